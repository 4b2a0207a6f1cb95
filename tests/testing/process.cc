#include "tests/testing/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/file.h"
#include "gtest/gtest.h"

extern char** environ;

namespace frostnas {
namespace {

constexpr int64_t kMaxOutputBytes = 16 << 20;
// How often output is looked at; a process gives no other sign of it.
constexpr absl::Duration kLook = absl::Milliseconds(10);

std::string Text(const std::string& path) {
  return ReadFile(path, kMaxOutputBytes).value_or("");
}

}  // namespace

std::unique_ptr<Process> Process::Start(const std::vector<std::string>& argv) {
  static std::atomic<int> started{0};
  auto process = std::unique_ptr<Process>(new Process);
  const std::string base = JoinPath(
      ::testing::TempDir(), absl::StrCat("process-", getpid(), "-", ++started));
  process->stdout_path_ = base + ".out";
  process->stderr_path_ = base + ".err";
  std::vector<char*> pointers;
  for (const std::string& argument : argv) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  CHECK(posix_spawn_file_actions_init(&actions) == 0);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, process->stdout_path_.c_str(),
                                   kFlags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, process->stderr_path_.c_str(),
                                   kFlags, 0600);
  CHECK(posix_spawn(&process->pid_, pointers[0], &actions, nullptr,
                    pointers.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return process;
}

Process::~Process() {
  if (ended_) return;
  Kill(SIGKILL);
  Wait();
}

void Process::Kill(int signal) {
  if (!ended_) kill(pid_, signal);
}

ProcessEnd Process::Wait() {
  int status = 0;
  while (!ended_) {
    const pid_t waited = waitpid(pid_, &status, 0);
    if (waited < 0 && errno == EINTR) continue;
    CHECK(waited == pid_);
    ended_ = true;
    if (WIFEXITED(status)) end_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
  }
  return end_;
}

std::string Process::stdout_text() const { return Text(stdout_path_); }

std::string Process::stderr_text() const { return Text(stderr_path_); }

bool Process::Await(const std::function<bool(const Process&)>& done) {
  while (!done(*this)) {
    siginfo_t info = {};
    // Looks without taking the end away from Wait.
    if (ended_ ||
        (waitid(P_PID, pid_, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_)) {
      return done(*this);
    }
    absl::SleepFor(kLook);
  }
  return true;
}

ProcessResult RunProcess(const std::vector<std::string>& argv) {
  const auto process = Process::Start(argv);
  ProcessResult result;
  result.end = process->Wait();
  result.stdout_text = process->stdout_text();
  result.stderr_text = process->stderr_text();
  return result;
}

}  // namespace frostnas

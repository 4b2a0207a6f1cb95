#include "latency/runner/testing/runner_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace frostnas::latency {

std::string RunnerPath() { return "latency/runner/runner"; }

bool RunnerRun::whole() const {
  if (lines.size() < 2 || !lines.front().has_hello()) return false;
  for (const v1::RunnerLine& line : lines) {
    if (line.has_end() != (&line == &lines.back())) return false;
  }
  return true;
}

RunnerProcess::RunnerProcess(const std::vector<std::string>& arguments) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  CHECK(posix_spawn_file_actions_init(&actions) == 0);
  CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) ==
        0);
  std::vector<std::string> words = {RunnerPath()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  CHECK(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) ==
        0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  output_ = ends[0];
}

RunnerProcess::~RunnerProcess() {
  StopReading();
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool RunnerProcess::ReadLine() {
  size_t newline;
  while ((newline = rest_.find('\n')) == std::string::npos) {
    char buffer[4096];
    const ssize_t got = read(output_, buffer, sizeof(buffer));
    if (got <= 0) {
      EXPECT_EQ(rest_, "") << "a line without an end";
      return false;
    }
    rest_.append(buffer, got);
  }
  const std::string text = rest_.substr(0, newline);
  rest_.erase(0, newline + 1);
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      text, &run_.lines.emplace_back());
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.ToString();
  return true;
}

void RunnerProcess::Signal(int signal) { kill(pid_, signal); }

void RunnerProcess::StopReading() {
  if (output_ >= 0) close(output_);
  output_ = -1;
}

RunnerRun RunnerProcess::Finish() {
  while (output_ >= 0 && ReadLine()) {
  }
  int status = 0;
  CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  if (WIFEXITED(status)) run_.exit_code = WEXITSTATUS(status);
  return run_;
}

RunnerRun RunRunner(const v1::RunnerRequest& request,
                    const std::string& folder) {
  const std::string file = JoinPath(folder, "request");
  CHECK_OK(WriteFileAtomic(file, request.SerializeAsString()));
  return RunnerProcess({"--request", file}).Finish();
}

}  // namespace frostnas::latency

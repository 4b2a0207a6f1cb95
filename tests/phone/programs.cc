#include "tests/phone/programs.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/time/clock.h"
#include "base/check.h"
#include "base/log.h"

namespace frostnas::phone {
namespace {

constexpr char kQemu[] = "qemu-aarch64-static";
#if defined(__x86_64__)
constexpr uint16_t kHostMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kHostMachine = EM_AARCH64;
#endif

struct Fd {
  ~Fd() { Reset(); }
  void Reset() {
    if (number >= 0) close(number);
    number = -1;
  }
  int number = -1;
};

void MakePipe(Fd& read_end, Fd& write_end) {
  std::array<int, 2> ends;
  CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
  read_end.number = ends[0];
  write_end.number = ends[1];
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) {
    pointers.push_back(const_cast<char*>(each.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// A child of another thread between fork and exec may still hold a program
// that was just written open; it lets go at once.
constexpr int kBusyTries = 500;
constexpr absl::Duration kBusyPause = absl::Milliseconds(2);

// As a session of its own, with signals as a program expects them. An errno.
int Spawn(const Program& program, const std::vector<std::string>& argv,
          std::array<int, 2> outputs, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, program.stdin_file.c_str(),
                                   O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, outputs[0], 1);
  posix_spawn_file_actions_adddup2(&actions, outputs[1], 2);
  posix_spawn_file_actions_addchdir_np(&actions, program.directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID |
                                            POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  int error = ETXTBSY;
  for (int i = 0; i < kBusyTries && error == ETXTBSY; ++i) {
    if (i > 0) absl::SleepFor(kBusyPause);
    error = posix_spawnp(pid, argv[0].c_str(), &actions, &attributes,
                         Pointers(argv).data(),
                         Pointers(program.environment).data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Reads once. False: the end.
bool Forward(const Fd& from, const std::function<bool(absl::string_view)>& to,
             bool* listening) {
  std::array<char, 1 << 15> buffer;
  const ssize_t count = read(from.number, buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return false;
  if (*listening && !to({buffer.data(), static_cast<size_t>(count)})) {
    *listening = false;
  }
  return true;
}

int MillisecondsUntil(absl::Time time) {
  if (time == absl::InfiniteFuture()) return -1;
  const absl::Duration left = time - absl::Now();
  return static_cast<int>(std::clamp<int64_t>(
      absl::ToInt64Milliseconds(left) + 1, int64_t{0}, int64_t{60000}));
}

// Passes output on until the program has closed it or nobody listens.
void Listen(const Program& program, Fd& out, Fd& err,
            const std::function<void()>& kill) {
  Fd closed;
  closed.number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(closed.number >= 0);
  const StopCallback on_close(program.closed, [&closed] {
    const uint64_t one = 1;
    CHECK(write(closed.number, &one, sizeof(one)) == sizeof(one));
  });
  absl::Time kill_time = absl::Now() + program.kill_after;
  bool listening = true;
  while (listening && (out.number >= 0 || err.number >= 0)) {
    std::array<pollfd, 3> fds = {{{out.number, POLLIN, 0},
                                  {err.number, POLLIN, 0},
                                  {closed.number, POLLIN, 0}}};
    const int ready =
        poll(fds.data(), fds.size(), MillisecondsUntil(kill_time));
    CHECK(ready >= 0 || errno == EINTR);
    if (absl::Now() >= kill_time) {
      kill();
      kill_time = absl::InfiniteFuture();
    }
    if (ready <= 0) continue;
    if (fds[2].revents != 0) listening = false;
    if (fds[0].revents != 0 && !Forward(out, program.on_stdout, &listening)) {
      out.Reset();
    }
    if (fds[1].revents != 0 && !Forward(err, program.on_stderr, &listening)) {
      err.Reset();
    }
  }
}

}  // namespace

FileKind FileKindOf(const std::string& host_path) {
  struct stat info;
  if (stat(host_path.c_str(), &info) != 0) return FileKind::kMissing;
  if (!S_ISREG(info.st_mode) || (info.st_mode & 0111) == 0) {
    return FileKind::kNotExecutable;
  }
  Fd file;
  file.number = open(host_path.c_str(), O_RDONLY | O_CLOEXEC);
  Elf64_Ehdr header = {};
  const ssize_t count = read(file.number, &header, sizeof(header));
  if (count != sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return FileKind::kScript;
  }
  if (header.e_machine == kHostMachine) return FileKind::kHost;
  if (header.e_machine == EM_AARCH64) return FileKind::kArm64;
  return FileKind::kNotExecutable;
}

Programs::~Programs() { Stop(); }

pid_t Programs::Start(const Program& program, int out, int err) {
  std::vector<std::string> argv = program.argv;
  if (FileKindOf(argv[0]) == FileKind::kArm64) {
    argv.insert(argv.begin(), {kQemu, "-cpu", "max", "-L", program.root});
  }
  pid_t pid = -1;
  // Under the lock, so that KillAllAndClose misses none.
  absl::MutexLock lock(&mutex_);
  if (closed_) return -1;
  const int error = Spawn(program, argv, {out, err}, &pid);
  if (error != 0) {
    LOG(WARNING) << "starting " << argv[0] << ": " << strerror(error);
    return -1;
  }
  ++started_;
  running_.push_back({pid, program.command});
  return pid;
}

int Programs::Run(const Program& program) {
  Fd out, err, out_write, err_write;
  MakePipe(out, out_write);
  MakePipe(err, err_write);
  const pid_t pid = Start(program, out_write.number, err_write.number);
  out_write.Reset();
  err_write.Reset();
  if (pid < 0) return 126;
  Listen(program, out, err, [this, pid] { KillPid(pid, SIGKILL); });
  if (program.closed.StopRequested() && program.hang_up == HangUp::kSignal) {
    KillPid(pid, SIGHUP);
  }
  out.Reset();
  err.Reset();
  return Reap(pid);
}

int Programs::Reap(pid_t pid) {
  // Waits without taking the end, so that the number stays the program's while
  // others may signal it.
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
    CHECK(errno == EINTR);
  }
  absl::MutexLock lock(&mutex_);
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid);
  running_.erase(
      std::find_if(running_.begin(), running_.end(),
                   [pid](const Running& each) { return each.pid == pid; }));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Programs::KillPid(pid_t pid, int signal) {
  absl::MutexLock lock(&mutex_);
  for (const Running& each : running_) {
    if (each.pid == pid) return kill(pid, signal) == 0;
  }
  return false;
}

absl::StatusOr<std::vector<pid_t>> Programs::Find(
    const std::string& pattern) const {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return absl::InvalidArgumentError("bad pattern " + pattern);
  }
  std::vector<pid_t> found;
  {
    absl::MutexLock lock(&mutex_);
    for (const Running& each : running_) {
      if (regexec(&compiled, each.command.c_str(), 0, nullptr, 0) == 0) {
        found.push_back(each.pid);
      }
    }
  }
  regfree(&compiled);
  return found;
}

void Programs::KillAllAndClose() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  // With what they started: each leads a group.
  for (const Running& each : running_) kill(-each.pid, SIGKILL);
}

void Programs::Open() {
  absl::MutexLock lock(&mutex_);
  closed_ = stopped_;
}

void Programs::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  KillAllAndClose();
}

int Programs::running() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(running_.size());
}

int Programs::started() const {
  absl::MutexLock lock(&mutex_);
  return started_;
}

bool Programs::AwaitRunning(int count, absl::Duration timeout) const {
  const auto reached = [this, count]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return static_cast<int>(running_.size()) == count;
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

}  // namespace frostnas::phone

#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"

extern char** environ;

namespace frostnas {
namespace {

// Closes on destruction. -1: none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  void Reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read, write;
};

absl::Status ErrnoError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(error)));
}

absl::StatusOr<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return ErrnoError("pipe", errno);
  Pipe made{Fd(ends[0]), Fd(ends[1])};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return made;
}

// This process' environment with `changes` over it.
std::vector<std::string> Environment(const std::vector<std::string>& changes) {
  std::vector<std::string> variables = changes;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view variable = *entry;
    const absl::string_view name = variable.substr(0, variable.find('=') + 1);
    const bool changed = std::any_of(
        changes.begin(), changes.end(),
        [&](const std::string& each) { return absl::StartsWith(each, name); });
    if (!changed) variables.emplace_back(variable);
  }
  return variables;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) {
    pointers.push_back(const_cast<char*>(each.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// In a process group of its own, with signals as a program expects them.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv,
                            const std::vector<std::string>& environment,
                            int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                            POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  const std::vector<std::string> variables = Environment(environment);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes,
                   Pointers(argv).data(), Pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat("there is no program \"", argv[0], "\""));
  }
  if (error != 0) return ErrnoError(absl::StrCat("starting ", argv[0]), error);
  return pid;
}

// One of the program's two outputs.
struct Output {
  Fd fd;
  std::string* text;
  const std::function<void(absl::string_view)>* callback = nullptr;
};

// Takes what there is. False: more than `limit` came.
bool Drain(Output& output, int64_t limit) {
  std::array<char, 1 << 16> buffer;
  while (output.fd.get() >= 0) {
    const ssize_t count = read(output.fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return true;  // nothing more for now
    if (count == 0) {
      output.fd.Reset();
      return true;
    }
    const absl::string_view piece(buffer.data(), static_cast<size_t>(count));
    absl::StrAppend(output.text, piece);
    if (output.callback != nullptr && *output.callback) {
      (*output.callback)(piece);
    }
    if (static_cast<int64_t>(output.text->size()) > limit) return false;
  }
  return true;
}

int WaitMs(absl::Duration left) {
  const int64_t ms = absl::ToInt64Milliseconds(left) + 1;
  return static_cast<int>(
      std::clamp<int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

// Waits for a started program, and kills it where it must not go on.
class Watch {
 public:
  explicit Watch(const SubprocessOptions& options) : options_(options) {
    if (options.deadline != absl::InfiniteDuration()) {
      end_ = RealClock().Monotonic() + options.deadline;
    }
  }

  absl::Status Run(std::array<Output, 2>& outputs, int exited, int stopped) {
    while (true) {
      std::array<pollfd, 4> fds = {{{exited, POLLIN, 0},
                                    {stopped, POLLIN, 0},
                                    {outputs[0].fd.get(), POLLIN, 0},
                                    {outputs[1].fd.get(), POLLIN, 0}}};
      const int timeout_ms =
          end_ ? WaitMs(*end_ - RealClock().Monotonic()) : -1;
      const int ready = poll(fds.data(), fds.size(), timeout_ms);
      if (ready < 0 && errno != EINTR) return ErrnoError("poll", errno);
      for (Output& output : outputs) {
        if (Drain(output, options_.max_output_bytes)) continue;
        return absl::ResourceExhaustedError(absl::StrCat(
            "more than ", options_.max_output_bytes, " bytes were printed"));
      }
      // What it wrote before it ended was in the pipes by then.
      if (fds[0].revents != 0) return absl::OkStatus();
      if (options_.stop.StopRequested()) {
        return absl::CancelledError("stopped");
      }
      if (end_ && RealClock().Monotonic() >= *end_) {
        return absl::DeadlineExceededError(absl::StrCat(
            "no end after ", absl::FormatDuration(options_.deadline)));
      }
    }
  }

 private:
  const SubprocessOptions& options_;
  std::optional<absl::Duration> end_;
};

// The program's end; it has ended or was killed.
void Reap(pid_t pid, SubprocessResult& result) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
}

}  // namespace

absl::StatusOr<SubprocessResult> RunSubprocess(
    const std::vector<std::string>& argv, const SubprocessOptions& options) {
  CHECK(!argv.empty()) << "no program";
  RETURN_IF_ERROR(options.stop.Check());
  ASSIGN_OR_RETURN(Pipe out, MakePipe());
  ASSIGN_OR_RETURN(Pipe err, MakePipe());
  const Fd stopped(eventfd(0, EFD_CLOEXEC));
  if (stopped.get() < 0) return ErrnoError("eventfd", errno);
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(argv, options.environment,
                                          out.write.get(), err.write.get()));
  out.write.Reset();
  err.write.Reset();
  SubprocessResult result;
  absl::Status status;
  {
    const StopCallback wake(options.stop,
                            [&] { eventfd_write(stopped.get(), 1); });
    const Fd exited(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    std::array<Output, 2> outputs = {{
        {std::move(out.read), &result.stdout_text, &options.on_stdout},
        {std::move(err.read), &result.stderr_text, nullptr},
    }};
    status = exited.get() < 0
                 ? ErrnoError("pidfd_open", errno)
                 : Watch(options).Run(outputs, exited.get(), stopped.get());
  }
  if (!status.ok()) kill(-pid, SIGKILL);
  Reap(pid, result);
  if (status.ok()) return result;
  return absl::Status(status.code(),
                      absl::StrCat(CommandText(argv), ": ", status.message()));
}

std::string CommandText(const std::vector<std::string>& argv) {
  return absl::StrJoin(argv, " ", [](std::string* out, const auto& argument) {
    const bool plain =
        !argument.empty() &&
        argument.find_first_of(" \t\n'\"\\$*?;&|<>()") == std::string::npos;
    absl::StrAppend(out, plain ? argument : absl::StrCat("'", argument, "'"));
  });
}

}  // namespace frostnas

// The programs that a phone runs: started, listened to, killed.
//
// An arm64 program runs under qemu, on a processor with all that qemu knows and
// with the phone's files in place of the host's where there are such; one of
// the host's architecture runs as it is.
// Thread-safe. The destructor needs that no Run is under way.
#ifndef FROSTNAS_TESTS_PHONE_PROGRAMS_H_
#define FROSTNAS_TESTS_PHONE_PROGRAMS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas::phone {

// What became of a stream's program when the stream was closed.
enum class HangUp {
  kSignal,  // SIGHUP, and its output goes nowhere
  kIgnore,  // only its output goes nowhere: SIGPIPE when it writes
};

struct Program {
  // Of the host. argv[0] is the file.
  std::vector<std::string> argv;
  std::string directory;
  // Where absolute paths of an arm64 program are looked up first.
  std::string root;
  // "NAME=VALUE", all there is.
  std::vector<std::string> environment;
  std::string stdin_file = "/dev/null";
  // As typed on the phone; what Find looks at.
  std::string command;
  // Called with output as it comes; false: nobody listens any more.
  std::function<bool(absl::string_view)> on_stdout, on_stderr;
  // The stream closed.
  StopToken closed;
  HangUp hang_up = HangUp::kSignal;
  // Killed when it has run for this long.
  absl::Duration kill_after = absl::InfiniteDuration();
};

// What a file is to the phone's exec.
enum class FileKind { kMissing, kNotExecutable, kArm64, kHost, kScript };
FileKind FileKindOf(const std::string& host_path);

class Programs {
 public:
  Programs() = default;
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // Runs to the end, which a closed stream need not be. The exit code as a
  // shell gives it: 128 + signal, 126 when it could not be started.
  int Run(const Program& program) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether there was such a process.
  bool KillPid(pid_t pid, int signal) ABSL_LOCKS_EXCLUDED(mutex_);
  // Those in whose command `pattern`, an extended regular expression, is found.
  // INVALID_ARGUMENT: it is none.
  absl::StatusOr<std::vector<pid_t>> Find(const std::string& pattern) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Kills all, and starts no more until Open.
  void KillAllAndClose() ABSL_LOCKS_EXCLUDED(mutex_);
  void Open() ABSL_LOCKS_EXCLUDED(mutex_);
  // Kills all and starts no more ever.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  int running() const ABSL_LOCKS_EXCLUDED(mutex_);
  int started() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool AwaitRunning(int count, absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Running {
    pid_t pid;
    std::string command;
  };

  // -1: it could not be started.
  pid_t Start(const Program& program, int out, int err)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes the end of `pid` and forgets it.
  int Reap(pid_t pid) ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  std::vector<Running> running_ ABSL_GUARDED_BY(mutex_);
  int started_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_PROGRAMS_H_

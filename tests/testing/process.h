// Programs run by tests: started, listened to, killed.
//
// Thread-compatible.
#ifndef FROSTNAS_TESTS_TESTING_PROCESS_H_
#define FROSTNAS_TESTS_TESTING_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace frostnas {

// How a program ended.
struct ProcessEnd {
  int exit_code = -1;  // -1: by a signal
  int signal = 0;      // 0: by itself
};

class Process {
 public:
  // Runs argv[0], a path relative to the test's runfiles or absolute, with
  // stdout and stderr kept in files. Failure to start ends the test program.
  static std::unique_ptr<Process> Start(const std::vector<std::string>& argv);
  // Kills what still runs.
  ~Process();

  void Kill(int signal);
  ProcessEnd Wait();

  // What was printed so far.
  std::string stdout_text() const;
  std::string stderr_text() const;

  // Waits until `done` holds for this process' output (true) or it ended
  // (false).
  bool Await(const std::function<bool(const Process&)>& done);

 private:
  Process() = default;

  pid_t pid_ = -1;
  bool ended_ = false;
  ProcessEnd end_;
  std::string stdout_path_, stderr_path_;
};

// Runs to the end.
struct ProcessResult {
  ProcessEnd end;
  std::string stdout_text, stderr_text;
};
ProcessResult RunProcess(const std::vector<std::string>& argv);

}  // namespace frostnas

#endif  // FROSTNAS_TESTS_TESTING_PROCESS_H_

// The runner program as a process.
#ifndef FROSTNAS_LATENCY_RUNNER_TESTING_RUNNER_PROCESS_H_
#define FROSTNAS_LATENCY_RUNNER_TESTING_RUNNER_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

// What the runner printed and how it ended.
struct RunnerRun {
  // Every line; one that is no RunnerLine fails the test.
  std::vector<v1::RunnerLine> lines;
  int exit_code = -1;  // -1: killed

  // Whether the first line is a hello and the last, and only the last, an end.
  bool whole() const;
  const v1::RunnerEnd& end() const { return lines.back().end(); }
};

class RunnerProcess {
 public:
  // `arguments` after the program's name.
  explicit RunnerProcess(const std::vector<std::string>& arguments);
  // Kills it if it still runs.
  ~RunnerProcess();

  // Waits for the next line; false when there is none any more.
  bool ReadLine();
  void Signal(int signal);
  // Closes our end of its output.
  void StopReading();
  // Reads on and waits for its end.
  RunnerRun Finish();

 private:
  RunnerRun run_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string rest_;
};

// Runs it to its end with `request` in a file under `folder`.
RunnerRun RunRunner(const v1::RunnerRequest& request,
                    const std::string& folder);

// Where the program is, in a test that has it as data.
std::string RunnerPath();

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_RUNNER_TESTING_RUNNER_PROCESS_H_

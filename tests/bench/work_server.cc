// Times works for the peers script, on request. Reads lines on standard input:
//
//   run WORK RUNS     -> WORK MS: median of so many runs, by the step
//   export WORK FILE  -> WORK FILE: writes an INT8 work's network as ONNX
//
// and answers each with one line on standard output, "error MESSAGE" when it
// cannot. A work is made, and run a few times untimed, when it is first asked
// for. Ends with its input.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "deploy/onnx_export.h"
#include "nn/threads.h"
#include "tests/bench/works/int8_works.h"
#include "tests/bench/works/work.h"

ABSL_FLAG(int, threads, 1, "Compute threads.");

namespace frostnas::bench {
namespace {

constexpr int kWarmUpRuns = 3;

class Server {
 public:
  absl::StatusOr<std::string> Answer(const std::string& line) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    int runs = 0;
    if (words.size() == 3 && words[0] == "run" &&
        absl::SimpleAtoi(words[2], &runs) && runs > 0) {
      return Run(words[1], runs);
    }
    if (words.size() == 3 && words[0] == "export") {
      return Export(words[1], words[2]);
    }
    return absl::InvalidArgumentError(
        "expected: run WORK RUNS, or export WORK FILE");
  }

 private:
  absl::StatusOr<Work*> Find(const std::string& name) {
    std::unique_ptr<Work>& work = works_[name];
    if (work == nullptr) {
      ASSIGN_OR_RETURN(work, CreateWork(name));
      for (int i = 0; i < kWarmUpRuns; ++i) work->RunOnce();
    }
    return work.get();
  }

  absl::StatusOr<std::string> Run(const std::string& name, int runs) {
    ASSIGN_OR_RETURN(Work* const work, Find(name));
    std::vector<double> ms(runs);
    for (double& one : ms) {
      const absl::Time start = absl::Now();
      work->RunOnce();
      one = absl::ToDoubleMilliseconds(absl::Now() - start) / work->steps();
    }
    std::nth_element(ms.begin(), ms.begin() + runs / 2, ms.end());
    return absl::StrFormat("%s %.6f", name, ms[runs / 2]);
  }

  absl::StatusOr<std::string> Export(const std::string& name,
                                     const std::string& file) {
    ASSIGN_OR_RETURN(const v1::Package package, PackageOf(name));
    ASSIGN_OR_RETURN(const std::string model, deploy::ExportOnnx(package));
    RETURN_IF_ERROR(WriteFileAtomic(file, model));
    return absl::StrCat(name, " ", file);
  }

  std::map<std::string, std::unique_ptr<Work>> works_;
};

}  // namespace
}  // namespace frostnas::bench

int main(int argc, char** argv) {
  frostnas::EnsureEnvironment(argv, frostnas::ComputeEnvironment());
  const frostnas::ProgramInfo info = {
      .name = "work_server",
      .usage = "work_server [--threads N]",
      .flag_files = {"tests/bench/work_server"}};
  frostnas::ParseProgram(argc, argv, info);
  frostnas::nn::SetComputeThreads(std::max(1, absl::GetFlag(FLAGS_threads)));
  frostnas::bench::Server server;
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto answer = server.Answer(line);
    std::cout << (answer.ok()
                      ? *answer
                      : absl::StrCat("error ", answer.status().message()))
              << std::endl;
  }
  return 0;
}

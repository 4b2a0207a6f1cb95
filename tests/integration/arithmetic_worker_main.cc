// arithmetic_worker ADDRESS ID [hang]: a worker process for tests, whose
// results are arithmetic. With `hang` it prints "begun" when it starts its
// first accuracy task and never ends that one.

#include <cstdio>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/stop.h"
#include "search/testing/tiny_study.h"
#include "tests/testing/arithmetic_runner.h"
#include "workers/worker.h"

namespace frostnas {
namespace {

absl::Status HangInAccuracy(const v1::Task& task,
                            workers::TaskContext& context) {
  if (!task.has_accuracy()) return absl::OkStatus();
  std::puts("begun");
  std::fflush(stdout);
  context.stop.WaitFor(absl::InfiniteDuration());
  return context.stop.Check();
}

int Main(int argc, char** argv) {
  if (argc < 3) return 2;
  const bool hang = argc > 3 && std::string(argv[3]) == "hang";
  auto worker = workers::Worker::Create(
      {.client = {.controller = argv[1]},
       .worker_id = argv[2],
       .devices = {search::TinyDevice("host")}},
      hang ? ArithmeticRunners(HangInAccuracy) : ArithmeticRunners(),
      RealClock());
  if (!worker.ok()) return 1;
  return (*worker)->Run(StopOnSignals()).ok() ? 0 : 1;
}

}  // namespace
}  // namespace frostnas

int main(int argc, char** argv) { return frostnas::Main(argc, argv); }

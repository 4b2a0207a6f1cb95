#include "tests/bench/work_benchmark.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/program.h"
#include "benchmark/benchmark.h"
#include "nn/threads.h"
#include "tests/bench/works/work.h"

namespace frostnas::bench {
namespace {

void TimeWork(benchmark::State& state, const std::string& name, int threads) {
  const nn::ScopedComputeThreads scope(threads);
  auto work = CreateWork(name);
  CHECK_OK(work);
  (*work)->RunOnce();
  for (auto _ : state) {
    const absl::Time start = absl::Now();
    (*work)->RunOnce();
    state.SetIterationTime(absl::ToDoubleSeconds(absl::Now() - start) /
                           (*work)->steps());
  }
  state.SetItemsProcessed(state.iterations() * (*work)->images());
  state.SetLabel((*work)->label());
}

bool Wanted(const std::string& name,
            const std::vector<absl::string_view>& prefixes) {
  return std::any_of(
      prefixes.begin(), prefixes.end(),
      [&](absl::string_view prefix) { return absl::StartsWith(name, prefix); });
}

}  // namespace

int RunBenchmarks(int argc, char** argv,
                  const std::vector<absl::string_view>& prefixes) {
  EnsureEnvironment(argv, ComputeEnvironment());
  for (const std::string& name : WorkNames()) {
    if (!Wanted(name, prefixes)) continue;
    for (const int threads : kThreadCounts) {
      benchmark::RegisterBenchmark(
          absl::StrCat(name, "/threads_", threads).c_str(),
          [name, threads](benchmark::State& state) {
            TimeWork(state, name, threads);
          })
          ->Unit(benchmark::kMillisecond)
          ->UseManualTime();
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace frostnas::bench

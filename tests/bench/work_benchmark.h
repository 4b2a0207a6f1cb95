// What the benchmark programs share: works as google-benchmarks, and a main.
#ifndef FROSTNAS_TESTS_BENCH_WORK_BENCHMARK_H_
#define FROSTNAS_TESTS_BENCH_WORK_BENCHMARK_H_

#include <vector>

#include "absl/strings/string_view.h"

namespace frostnas::bench {

// The thread counts that everything is measured at.
inline constexpr int kThreadCounts[] = {1, 2};

// Runs the works whose name starts with one of `prefixes`, by each of
// kThreadCounts, and what BENCHMARK registered. Times are of one step.
// Returns the program's exit code.
int RunBenchmarks(int argc, char** argv,
                  const std::vector<absl::string_view>& prefixes);

}  // namespace frostnas::bench

#endif  // FROSTNAS_TESTS_BENCH_WORK_BENCHMARK_H_

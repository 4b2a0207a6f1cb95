// Time of the supernet's weight and architecture steps, and of the same paths
// as networks of their own.
//
//   ./bazelw run //tests/bench:supernet_benchmark
#include "tests/bench/work_benchmark.h"

int main(int argc, char** argv) {
  return frostnas::bench::RunBenchmarks(argc, argv, {"supernet_"});
}

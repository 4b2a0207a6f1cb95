// Time of INT8 inference: int8/ from pixels to logits, int8_quantized/ of the
// network alone.
//
//   ./bazelw run //tests/bench:int8_benchmark
#include "tests/bench/work_benchmark.h"

int main(int argc, char** argv) {
  return frostnas::bench::RunBenchmarks(argc, argv,
                                        {"int8/", "int8_quantized/"});
}

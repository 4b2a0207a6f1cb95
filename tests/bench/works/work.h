// Start here: one piece of work that benchmarks and the peers script time.
//
//   ASSIGN_OR_RETURN(auto work, CreateWork("float_step/sgd/mixed"));
//   work->RunOnce();   // plans buffers and primitives
//   ... time further RunOnce() ...
//
// Everything random comes from fixed seeds. A work computes on the compute
// threads that are set when it runs (nn/threads.h); make it under the same
// setting. Thread-compatible.
#ifndef FROSTNAS_TESTS_BENCH_WORKS_WORK_H_
#define FROSTNAS_TESTS_BENCH_WORKS_WORK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::bench {

class Work {
 public:
  virtual ~Work() = default;

  virtual void RunOnce() = 0;
  // Steps that RunOnce does; times are given by the step.
  virtual int steps() const { return 1; }
  // Of one step.
  virtual int images() const = 0;
  // What it ran on, where there is something to say.
  virtual std::string label() const { return ""; }
};

// Names of the works:
//   float_step/OPTIMIZER/PRECISION  a training step of FrostNet-Small 0.5 at
//   qat_step/OPTIMIZER/PRECISION    32 x 32, batch 64: forward, loss, backward
//                                   and, unless OPTIMIZER is none, the update
//   supernet_weight_step            a step of the frost space's supernet, same
//                                   width, size and batch
//   supernet_sampled_alone          the same paths, each a network of its own
//   supernet_architecture_step
//   int8/NETWORK/batch_N            from pixels to logits
//   int8_quantized/NETWORK/batch_N  from stored values to stored values
std::vector<std::string> WorkNames();

// NOT_FOUND: no such name.
absl::StatusOr<std::unique_ptr<Work>> CreateWork(absl::string_view name);

}  // namespace frostnas::bench

#endif  // FROSTNAS_TESTS_BENCH_WORKS_WORK_H_

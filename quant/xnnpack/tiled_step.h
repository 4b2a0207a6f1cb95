// A step by a kernel of our own, whose work falls into like units: values or
// pixels.
#ifndef FROSTNAS_QUANT_XNNPACK_TILED_STEP_H_
#define FROSTNAS_QUANT_XNNPACK_TILED_STEP_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "quant/xnnpack/step.h"

namespace frostnas::quant {

class TiledStep : public Step {
 public:
  absl::Status SetUp(const StepTensors& tensors,
                     const ThreadPool& threads) final;
  void Execute() final;

 protected:
  // `units` of one image; a thread takes at most `tile` at once.
  TiledStep(int64_t units, size_t tile) : units_(units), tile_(tile) {}

  const StepTensors& tensors() const { return tensors_; }

 private:
  // Units begin, begin + 1, ... of all images; several threads at a time.
  virtual void RunTile(size_t begin, size_t count) const = 0;

  const int64_t units_;
  const size_t tile_;
  StepTensors tensors_;
  ThreadPool threads_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_TILED_STEP_H_

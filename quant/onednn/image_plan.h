// A network planned for a number of images: buffers and steps are made once,
// Execute only computes.
//
// Thread-compatible; plans share nothing, so that several may execute at once.
#ifndef FROSTNAS_QUANT_ONEDNN_IMAGE_PLAN_H_
#define FROSTNAS_QUANT_ONEDNN_IMAGE_PLAN_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "quant/buffer_plan.h"
#include "quant/onednn/step.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

struct ImagePlanOptions {
  // Every layer's output stays readable after Execute.
  bool keep_all = false;
  // Execute runs layers [first_layer, end_layer); the caller fills, through
  // tensor(), what they read of others. Needs keep_all unless it is all layers.
  int first_layer = 0;
  int end_layer = std::numeric_limits<int>::max();
};

class ImagePlan {
 public:
  // `quantized` must outlive the plan. INTERNAL: oneDNN refuses a primitive.
  static absl::StatusOr<std::unique_ptr<ImagePlan>> Create(
      const QuantizedGraph& quantized, int images,
      const ImagePlanOptions& options);

  int images() const { return images_; }
  // Filled before Execute: (images, size, size, channels).
  absl::Span<uint8_t> input() { return tensor(arch::kGraphInput); }
  absl::Span<const uint8_t> output() const;
  // Output of layer `index`, or the input.
  absl::Span<uint8_t> tensor(int index);

  void Execute();

  // "LAYER: implementation" of every step.
  std::vector<std::string> kernels() const;

 private:
  // 64-byte aligned bytes, with some behind them that kernels may read.
  class Buffer {
   public:
    explicit Buffer(int64_t bytes);
    uint8_t* data() { return data_; }

   private:
    std::vector<uint8_t> memory_;
    uint8_t* data_;
  };
  struct PlannedStep {
    int layer;
    std::unique_ptr<Step> step;
  };

  ImagePlan(const QuantizedGraph& quantized, int images, bool keep_all);
  absl::Status MakeSteps(int first_layer, int end_layer);
  StepTensors TensorsOf(int index);
  const arch::Graph& graph() const { return quantized_.graph; }

  const QuantizedGraph& quantized_;
  int images_;
  BufferPlan plan_;
  std::vector<Buffer> buffers_;
  std::vector<PlannedStep> steps_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_ONEDNN_IMAGE_PLAN_H_

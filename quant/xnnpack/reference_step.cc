#include "quant/xnnpack/reference_step.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "quant/kernels/reference_layer.h"
#include "quant/layer_params.h"
#include "quant/xnnpack/signed_bytes.h"

namespace frostnas::quant {
namespace {

class ReferenceStep final : public Step {
 public:
  ReferenceStep(const QuantizedGraph& quantized, int index,
                const StepLayout& layout)
      : quantized_(quantized), index_(index), layout_(layout) {}

  absl::Status SetUp(const StepTensors& tensors, const ThreadPool&) override {
    tensors_ = tensors;
    return absl::OkStatus();
  }

  void Execute() override {
    const std::vector<int>& inputs = layer().inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Read(ShapeOf(quantized_.graph, inputs[i]), static_cast<int>(i));
    }
    dst_.resize(tensors_.batch * Elements(layer().out));
    RunReferenceLayer(quantized_, index_,
                      {.batch = tensors_.batch,
                       .a = src_[0],
                       .b = src_[inputs.size() - 1],
                       .dst = absl::MakeSpan(dst_)});
    Write();
  }

  std::string kernel() const override {
    return "reference (XNNPACK has no operator for these grids)";
  }

 private:
  const arch::Layer& layer() const { return quantized_.graph.layers[index_]; }
  int64_t Pixels(const arch::FeatureShape& shape) const {
    return int64_t{tensors_.batch} * shape.size * shape.size;
  }

  void Read(const arch::FeatureShape& shape, int i) {
    src_[i].resize(Pixels(shape) * shape.channels);
    for (int64_t p = 0; p < Pixels(shape); ++p) {
      FlipSigns(tensors_.src[i] + p * layout_.src_stride[i], shape.channels,
                src_[i].data() + p * shape.channels);
    }
  }

  void Write() {
    const int channels = layer().out.channels;
    for (int64_t p = 0; p < Pixels(layer().out); ++p) {
      FlipSigns(dst_.data() + p * channels, channels,
                tensors_.dst + p * layout_.dst_stride);
    }
  }

  const QuantizedGraph& quantized_;
  int index_;
  StepLayout layout_;
  StepTensors tensors_;
  std::vector<uint8_t> src_[2];
  std::vector<uint8_t> dst_;
};

}  // namespace

std::unique_ptr<Step> MakeReferenceStep(const QuantizedGraph& quantized,
                                        int index, const StepLayout& layout) {
  return std::make_unique<ReferenceStep>(quantized, index, layout);
}

}  // namespace frostnas::quant

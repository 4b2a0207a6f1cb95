#include "nn/modules/output_quantizer.h"

#include <algorithm>

namespace frostnas::nn {
namespace {

Rows RowsOf(const Tensor& tensor) {
  return {tensor.shape().rows(), tensor.shape().c};
}

}  // namespace

Tensor& QuantizationPass::Raw(Mode mode, Tensor& dst) {
  return mode == Mode::kTrain && quantizer_.Quantizes() ? kept_ : dst;
}

void QuantizationPass::Forward(const Tensor& raw, Mode mode, Tensor& dst) {
  if (quantizer_.Observes(mode)) {
    quantizer_.Observe(RangeOf(raw.elements(), raw.data()));
  }
  learns_ = quantizer_.Learns();
  epilogue_ =
      quantizer_.MakeEpilogue(-Epilogue::kInfinity, Epilogue::kInfinity);
  if (&raw == &dst && !epilogue_.quantize) return;
  dst.Resize(raw.shape());
  const size_t channels = static_cast<size_t>(raw.shape().c);
  identity_.scale.assign(channels, 1.0f);
  identity_.shift.assign(channels, 0.0f);
  ApplyAffine(RowsOf(raw), identity_, epilogue_, raw.data(), dst.data());
}

const Tensor& QuantizationPass::Backward(const Tensor& raw,
                                         const Tensor& diff_dst,
                                         Tensor& diff_src) {
  if (!epilogue_.quantize) return diff_dst;
  diff_src.Resize(diff_dst.shape());
  if (learns_) {
    if (&diff_src != &diff_dst) {
      std::copy_n(diff_dst.data(), diff_dst.elements(), diff_src.data());
    }
    quantizer_.hook()->Backward(raw, diff_src);
    return diff_src;
  }
  const size_t channels = static_cast<size_t>(diff_dst.shape().c);
  no_correction_.offset.assign(channels, 0.0f);
  no_correction_.slope.assign(channels, 0.0f);
  ApplyGradient(
      {RowsOf(diff_dst), identity_, epilogue_, raw.data(), diff_dst.data()},
      no_correction_, diff_src.data());
  return diff_src;
}

}  // namespace frostnas::nn

#include "nn/modules/output_quantizer.h"

#include <algorithm>

#include "nn/fused/channel_ops.h"

namespace frostnas::nn {
namespace {

Rows RowsOf(const Tensor& tensor) {
  return {tensor.shape().rows(), tensor.shape().c};
}

}  // namespace

ValueRange RangeOf(const Tensor& tensor) {
  thread_local ChannelStats stats;
  ComputeChannelStats(RowsOf(tensor), tensor.data(), stats);
  return {*std::min_element(stats.min.begin(), stats.min.end()),
          *std::max_element(stats.max.begin(), stats.max.end())};
}

Tensor& QuantizationPass::Raw(Mode mode, Tensor& dst) {
  return mode == Mode::kTrain && quantizer_.Quantizes() ? kept_ : dst;
}

void QuantizationPass::Forward(const Tensor& raw, Mode mode, Tensor& dst) {
  if (quantizer_.Observes(mode)) quantizer_.Observe(RangeOf(raw));
  epilogue_ =
      quantizer_.MakeEpilogue(-Epilogue::kInfinity, Epilogue::kInfinity);
  if (&raw == &dst && !epilogue_.quantize) return;
  dst.Resize(raw.shape());
  const size_t channels = static_cast<size_t>(raw.shape().c);
  identity_.scale.assign(channels, 1.0f);
  identity_.shift.assign(channels, 0.0f);
  ApplyAffine(RowsOf(raw), identity_, epilogue_, raw.data(), dst.data());
}

void QuantizationPass::Backward(const Tensor& raw, Tensor& diff) {
  if (!epilogue_.quantize) return;
  const size_t channels = static_cast<size_t>(diff.shape().c);
  no_correction_.offset.assign(channels, 0.0f);
  no_correction_.slope.assign(channels, 0.0f);
  ApplyGradient({RowsOf(diff), identity_, epilogue_, raw.data(), diff.data()},
                no_correction_, diff.data());
}

}  // namespace frostnas::nn

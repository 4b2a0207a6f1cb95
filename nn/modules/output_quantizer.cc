#include "nn/modules/output_quantizer.h"

#include <algorithm>

#include "nn/fused/channel_ops.h"

namespace frostnas::nn {
namespace {

Rows RowsOf(const Tensor& tensor) {
  return {tensor.shape().rows(), tensor.shape().c};
}

ChannelAffine Identity(int channels) {
  return {std::vector<float>(channels, 1.0f),
          std::vector<float>(channels, 0.0f)};
}

}  // namespace

ValueRange RangeOf(const Tensor& tensor) {
  ChannelStats stats;
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
  ApplyAffine(RowsOf(raw), Identity(raw.shape().c), epilogue_, raw.data(),
              dst.data());
}

void QuantizationPass::Backward(const Tensor& raw, Tensor& diff) const {
  if (!epilogue_.quantize) return;
  const std::vector<float> zeros(diff.shape().c);
  const ChannelAffine identity = Identity(diff.shape().c);
  ApplyGradient({RowsOf(diff), identity, epilogue_, raw.data(), diff.data()},
                {.offset = zeros, .slope = zeros}, diff.data());
}

}  // namespace frostnas::nn

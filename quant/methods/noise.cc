#include "quant/methods/noise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/status_macros.h"
#include "nn/network.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/executor.h"
#include "quant/grid.h"

namespace frostnas::quant {
namespace {

void AddOutputs(const nn::Tensor& exact, absl::Span<const uint8_t> stored,
                const nn::AffineGrid& grid, NoiseMeter& meter) {
  const absl::Span<const float> values = exact.span();
  for (size_t i = 0; i < values.size(); ++i) {
    meter.Add(values[i], Dequantize(stored[i], grid));
  }
}

void AnalyzeWeights(const FoldedNetwork& folded, const QuantizationPlan& plan,
                    std::vector<LayerNoise>& noise) {
  for (size_t i = 0; i < noise.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    if (!layer.has_weights()) continue;
    const std::vector<float>& exact = folded.layers[i].weights;
    const std::vector<float> quantized = Dequantize(layer, plan.layers[i]);
    NoiseMeter meter;
    for (size_t k = 0; k < exact.size(); ++k) meter.Add(exact[k], quantized[k]);
    noise[i].weight_db = meter.sqnr_db();
    noise[i].outlier_ratio = OutlierRatio(exact);
  }
}

}  // namespace

double NoiseMeter::sqnr_db() const {
  if (noise_ == 0) return kMaxSqnrDb;
  if (signal_ == 0) return -kMaxSqnrDb;
  return std::clamp(10 * std::log10(signal_ / noise_), -kMaxSqnrDb, kMaxSqnrDb);
}

double OutlierRatio(absl::Span<const float> weights) {
  std::vector<float> magnitudes;
  for (const float w : weights) magnitudes.push_back(std::abs(w));
  std::sort(magnitudes.begin(), magnitudes.end());
  if (magnitudes.empty() || magnitudes.back() == 0) return 1;
  const size_t half = magnitudes.size() / 2;
  const double median =
      magnitudes.size() % 2 == 1
          ? magnitudes[half]
          : (double{magnitudes[half - 1]} + magnitudes[half]) / 2;
  if (median > 0) return magnitudes.back() / median;
  return double{magnitudes.back()} /
         *std::upper_bound(magnitudes.begin(), magnitudes.end(), 0.0f);
}

absl::StatusOr<std::vector<LayerNoise>> AnalyzeNoise(
    const FoldedNetwork& folded, const QuantizationPlan& plan,
    const CalibrationImages& images, const StopToken& stop) {
  ASSIGN_OR_RETURN(const v1::Package package, Assemble(folded, plan));
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   CreateOnednnExecutor(package, {.keep_layer_outputs = true}));
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> network,
                   FloatNetworkOf(folded));
  std::vector<NoiseMeter> meters(folded.layers.size());
  std::vector<float> logits(images.batch * executor->output_elements());
  const uint8_t* pixels = images.images.pixels.data();
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    const int count = batch.shape().n;
    network->Forward(batch, nn::Mode::kEval);
    executor->Run(
        {pixels, static_cast<size_t>(count * images.images.image_bytes())},
        count,
        absl::MakeSpan(logits).first(count * executor->output_elements()));
    pixels += count * images.images.image_bytes();
    for (size_t i = 0; i < meters.size(); ++i) {
      const int index = static_cast<int>(i);
      AddOutputs(network->layer_output(index), executor->layer_output(index),
                 plan.grid(index), meters[i]);
    }
  }));
  std::vector<LayerNoise> noise(meters.size());
  for (size_t i = 0; i < meters.size(); ++i) {
    noise[i].name = folded.graph.layers[i].name;
    noise[i].activation_db = meters[i].sqnr_db();
  }
  AnalyzeWeights(folded, plan, noise);
  return noise;
}

}  // namespace frostnas::quant

#include "quant/methods/layerwise/bias_correction.h"

#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/network.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/patches.h"
#include "quant/methods/ranges/batches.h"

namespace frostnas::quant {
namespace {

double Density(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}

double Distribution(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

// Mean patches of layers with weights; of the others empty.
using MeanPatches = std::vector<std::vector<double>>;

absl::StatusOr<MeanPatches> FloatPatches(const FoldedNetwork& folded,
                                         const CalibrationImages& images,
                                         const StopToken& stop) {
  ASSIGN_OR_RETURN(const auto network, FloatNetworkOf(folded));
  const std::vector<arch::Layer>& layers = folded.graph.layers;
  std::vector<std::optional<PatchMean>> means(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].has_weights()) means[i].emplace(layers[i]);
  }
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    network->Forward(batch, nn::Mode::kEval);
    for (size_t i = 0; i < layers.size(); ++i) {
      if (means[i]) means[i]->Add(LayerInput(*network, layers[i], batch));
    }
  }));
  MeanPatches patches(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    if (means[i]) patches[i] = means[i]->mean();
  }
  return patches;
}

// Of layer `index` in a network of fake quantization.
absl::StatusOr<std::vector<double>> QuantizedPatch(nn::Network& network,
                                                   const MethodInputs& inputs,
                                                   const MethodResult& result,
                                                   int index) {
  const arch::Layer& layer = result.network.graph.layers[index];
  PatchMean mean(layer);
  RETURN_IF_ERROR(ForEachBatch({inputs.calibration, result.network.dataset},
                               inputs.stop, [&](const nn::Tensor& batch) {
                                 const nn::Tensor src = QuantizeInput(
                                     batch, result.plan.input.grid);
                                 network.Forward(src, nn::Mode::kEval);
                                 mean.Add(LayerInput(network, layer, src));
                               }));
  return mean.mean();
}

}  // namespace

double ExpectedRelu(double mean, double deviation) {
  const double low = -mean / deviation;
  return deviation * Density(low) + mean * (1 - Distribution(low));
}

double ExpectedRelu6(double mean, double deviation) {
  const double low = -mean / deviation;
  const double high = (6 - mean) / deviation;
  return deviation * (Density(low) - Density(high)) +
         mean * (Distribution(high) - Distribution(low)) +
         6 * (1 - Distribution(high));
}

absl::Status RunBiasCorrection(const MethodInputs& inputs,
                               MethodResult& result) {
  const FoldedNetwork& folded = result.network;
  const CalibrationImages images = {inputs.calibration, folded.dataset};
  ASSIGN_OR_RETURN(const MeanPatches expected,
                   FloatPatches(folded, images, inputs.stop));
  ASSIGN_OR_RETURN(const auto fake,
                   FakeQuantNetwork::Create(folded, result.plan));
  const int layers = static_cast<int>(folded.layers.size());
  for (int i = 0; i < layers; ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    if (!layer.has_weights()) continue;
    inputs.Report(1.0 * i / layers, absl::StrCat("biases of ", layer.name));
    ASSIGN_OR_RETURN(const std::vector<double> patch,
                     QuantizedPatch(fake->network(), inputs, result, i));
    QuantizedWeights& quantized = result.plan.layers[i];
    const std::vector<double> wanted =
        MeanOutput(layer, folded.layers[i].weights, expected[i]);
    const std::vector<double> given =
        MeanOutput(layer, Dequantize(layer, quantized), patch);
    for (size_t c = 0; c < wanted.size(); ++c) {
      quantized.bias[c] += static_cast<float>(wanted[c] - given[c]);
    }
    RETURN_IF_ERROR(fake->SetPlan(result.plan));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::quant

// Samples layers and learns their rounding, in execution order.
#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "nn/network.h"
#include "quant/methods/layerwise/adaround.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/patches.h"
#include "quant/methods/ranges/batches.h"

namespace frostnas::quant {
namespace {

// Of one layer: enough for the steps to see most positions once or twice, and
// memory that wide layers may take.
constexpr int64_t kMaxPositions = 16384;
constexpr int64_t kMaxSampleBytes = 128 << 20;

// The networks whose layers are compared, and how many positions an image
// gives.
struct Sampler {
  nn::Network& exact;
  nn::Network& quantized;
  int per_image = 1;
};

int PositionsPerImage(const arch::Layer& layer, int images) {
  const ConvGeometry geometry = GeometryOf(layer);
  const int64_t bytes =
      (PatchElements(geometry) + geometry.out_channels) * sizeof(float);
  const int64_t all = std::min(kMaxPositions, kMaxSampleBytes / bytes);
  const int64_t most = int64_t{geometry.out_size} * geometry.out_size;
  return static_cast<int>(std::clamp<int64_t>(all / images, 1, most));
}

// Adds random positions of each image of the networks' last passes: patches of
// `src`, which the quantized layer reads, and the exact layer's outputs.
void AddSamples(const Sampler& sampler, int index, const nn::Tensor& src,
                Random& random, LayerSamples& samples) {
  const arch::Layer& layer = sampler.exact.graph().layers[index];
  const ConvGeometry geometry = GeometryOf(layer);
  const nn::Tensor& wanted = sampler.exact.layer_output(index);
  std::vector<float> patch(PatchElements(geometry));
  for (int n = 0; n < src.shape().n; ++n) {
    for (int k = 0; k < sampler.per_image; ++k) {
      const PatchPosition at = {
          .image = n,
          .row = static_cast<int>(random.UniformInt(geometry.out_size)),
          .column = static_cast<int>(random.UniformInt(geometry.out_size))};
      CopyPatch(geometry, src, at, absl::MakeSpan(patch));
      samples.patches.insert(samples.patches.end(), patch.begin(), patch.end());
      const float* output =
          wanted.data() +
          ((int64_t{n} * geometry.out_size + at.row) * geometry.out_size +
           at.column) *
              geometry.out_channels;
      samples.outputs.insert(samples.outputs.end(), output,
                             output + geometry.out_channels);
      ++samples.positions;
    }
  }
}

absl::StatusOr<LayerSamples> SampleLayer(const Sampler& sampler,
                                         const MethodInputs& inputs,
                                         const MethodResult& result,
                                         int index) {
  Random random = Random(inputs.options.seed).Split("adaround").Split(index);
  LayerSamples samples;
  RETURN_IF_ERROR(ForEachBatch(
      {inputs.calibration, result.network.dataset}, inputs.stop,
      [&](const nn::Tensor& batch) {
        const nn::Tensor src = QuantizeInput(batch, result.plan.input.grid);
        sampler.exact.Forward(batch, nn::Mode::kEval);
        sampler.quantized.Forward(src, nn::Mode::kEval);
        AddSamples(sampler, index,
                   LayerInput(sampler.quantized,
                              result.network.graph.layers[index], src),
                   random, samples);
      }));
  return samples;
}

}  // namespace

absl::Status RunAdaRound(const MethodInputs& inputs, MethodResult& result) {
  const FoldedNetwork& folded = result.network;
  ASSIGN_OR_RETURN(const auto exact, FloatNetworkOf(folded));
  ASSIGN_OR_RETURN(const auto fake,
                   FakeQuantNetwork::Create(folded, result.plan));
  const int layers = static_cast<int>(folded.layers.size());
  int64_t changed = 0, undecided = 0, weights = 0;
  double ratios = 0;
  int rounded = 0;
  for (int i = 0; i < layers; ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    if (!layer.has_weights()) continue;
    inputs.Report(1.0 * i / layers, absl::StrCat("rounding ", layer.name));
    ASSIGN_OR_RETURN(
        const LayerSamples samples,
        SampleLayer({*exact, fake->network(),
                     PositionsPerImage(layer, inputs.calibration.count())},
                    inputs, result, i));
    QuantizedWeights& quantized = result.plan.layers[i];
    ASSIGN_OR_RETURN(
        const LearnedRounding learned,
        LearnRounding(
            {layer, folded.layers[i], quantized.scale, result.bits[i].weights},
            samples, {}, Random(inputs.options.seed).Split(i), inputs.stop));
    quantized.weights = learned.weights;
    ratios +=
        learned.nearest_error > 0 ? learned.error / learned.nearest_error : 1;
    ++rounded;
    changed += learned.changed;
    undecided += learned.undecided;
    weights += static_cast<int64_t>(learned.weights.size());
    RETURN_IF_ERROR(fake->SetPlan(result.plan));
  }
  result.notes.push_back(absl::StrFormat(
      "Learned the rounding of %d weights: %d are not rounded to the nearest, "
      "%d were undecided at the end. Layers' squared error is %.0f %% of "
      "nearest rounding's in the mean.",
      weights, changed, undecided, 100 * ratios / std::max(rounded, 1)));
  return absl::OkStatus();
}

}  // namespace frostnas::quant

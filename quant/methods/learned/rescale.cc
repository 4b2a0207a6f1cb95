#include "quant/methods/learned/rescale.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/network.h"

namespace frostnas::quant {
namespace {

using arch::Layer;
using arch::LayerKind;

constexpr double kBound = 6;         // of ReLU6
constexpr double kSaturating = 5.9;  // x_k of a locked channel
constexpr double kMostFactor = 1024;
constexpr double kChange = 1e-3;  // of the bound

// The only layer that reads layer `index`, or -1.
int OnlyReader(const arch::Graph& graph, int index) {
  int reader = -1;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    for (const int input : graph.layers[i].inputs) {
      if (input != index) continue;
      if (reader >= 0) return -1;
      reader = static_cast<int>(i);
    }
  }
  return reader;
}

std::vector<float> LargestWeights(const Layer& layer,
                                  const FoldedLayer& folded) {
  const FilterLayout layout = FilterLayoutOf(layer);
  std::vector<float> largest(layout.channels, 0.0f);
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      largest[c] =
          std::max(largest[c], std::abs(folded.weights[layout.at(c, i)]));
    }
  }
  return largest;
}

// See the header. Returns which.
std::vector<bool> SettleConstants(const std::vector<Range>& outputs,
                                  const Layer& layer, FoldedLayer& folded) {
  const FilterLayout layout = FilterLayoutOf(layer);
  std::vector<bool> constant(layout.channels);
  for (int c = 0; c < layout.channels; ++c) {
    if (outputs[c].min != outputs[c].max) continue;
    constant[c] = true;
    folded.bias[c] = outputs[c].min;
    for (int64_t i = 0; i < layout.elements; ++i) {
      folded.weights[layout.at(c, i)] = 0;
    }
  }
  return constant;
}

void Scale(double by, float& value) { value = static_cast<float>(by * value); }

void Apply(const std::vector<double>& factor, const Layer& depthwise,
           FoldedLayer& filters, FoldedLayer& reader) {
  const FilterLayout layout = FilterLayoutOf(depthwise);
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      Scale(factor[c], filters.weights[layout.at(c, i)]);
    }
    Scale(factor[c], filters.bias[c]);
  }
  // O,H,W,I: input channels are innermost.
  for (size_t i = 0; i < reader.weights.size(); ++i) {
    Scale(1 / factor[i % factor.size()], reader.weights[i]);
  }
}

// Of a channel whose output was `before` and is `after`, scaled by `factor`.
bool Changed(float before, float after, double factor) {
  const double wanted = factor * before;
  if (factor > 1) return wanted > kBound * (1 + kChange);
  return factor < 1 && before >= kBound && after > wanted + kBound * kChange;
}

void CountLayer(const nn::Tensor& before, const nn::Tensor& after,
                const RescaledPair& pair, ChangedOutputs& counts) {
  const int channels = static_cast<int>(pair.constant.size());
  CHECK(before.shape() == after.shape() && before.shape().c == channels);
  counts.values += before.elements();
  for (int64_t i = 0; i < before.elements(); ++i) {
    const float x = before.data()[i], y = after.data()[i];
    const int c = static_cast<int>(i % channels);
    counts.changed += pair.constant[c] ? std::abs(x - y) > kBound * kChange
                                       : Changed(x, y, pair.factors.factor[c]);
  }
}

}  // namespace

RescaleFactors ChooseFactors(absl::Span<const float> largest_weight,
                             absl::Span<const float> largest_output,
                             bool relu6) {
  const size_t channels = largest_weight.size();
  const auto locked = [&](size_t k) {
    return relu6 && largest_output[k] >= kSaturating;
  };
  int filters = 0;
  RescaleFactors factors;
  factors.factor.assign(channels, 1.0);
  double sum = 0, sum_locked = 0;
  for (size_t k = 0; k < channels; ++k) {
    if (!(largest_weight[k] > 0)) continue;
    ++filters;
    sum += largest_weight[k];
    if (!locked(k)) continue;
    sum_locked += largest_weight[k];
    ++factors.locked;
  }
  if (filters == 0) return factors;
  const double target =
      factors.locked > 0 ? sum_locked / factors.locked : sum / filters;
  for (size_t k = 0; k < channels; ++k) {
    if (locked(k) || !(largest_weight[k] > 0)) continue;
    double s = target / largest_weight[k];
    if (relu6 && s * largest_output[k] > kBound) s = kBound / largest_output[k];
    factors.factor[k] = std::clamp(s, 1 / kMostFactor, kMostFactor);
  }
  return factors;
}

std::vector<RescaledPair> Rescale(const TensorExtremes& extremes,
                                  FoldedNetwork& network) {
  std::vector<RescaledPair> pairs;
  const arch::Graph& graph = network.graph;
  for (int i = 0; i < static_cast<int>(graph.layers.size()); ++i) {
    const Layer& layer = graph.layers[i];
    if (layer.kind != LayerKind::kDepthwise) continue;
    const int reader = OnlyReader(graph, i);
    if (reader < 0 || graph.layers[reader].kind != LayerKind::kConv) continue;
    std::vector<float> largest_output;
    for (const Range& range : extremes.channels(i)) {
      largest_output.push_back(range.max);
    }
    RescaledPair pair = {.depthwise = i, .reader = reader};
    pair.constant =
        SettleConstants(extremes.channels(i), layer, network.layers[i]);
    pair.factors =
        ChooseFactors(LargestWeights(layer, network.layers[i]), largest_output,
                      layer.activation == v1::ACTIVATION_RELU6);
    Apply(pair.factors.factor, layer, network.layers[i],
          network.layers[reader]);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

absl::StatusOr<ChangedOutputs> CountChangedOutputs(
    const FoldedNetwork& before, const FoldedNetwork& after,
    const std::vector<RescaledPair>& pairs, const CalibrationImages& images,
    const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> original,
                   FloatNetworkOf(before));
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> rescaled,
                   FloatNetworkOf(after));
  ChangedOutputs counts;
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    original->Forward(batch, nn::Mode::kEval);
    rescaled->Forward(batch, nn::Mode::kEval);
    for (const RescaledPair& pair : pairs) {
      const Layer& layer = before.graph.layers[pair.depthwise];
      if (layer.activation != v1::ACTIVATION_RELU6) continue;
      CountLayer(original->layer_output(pair.depthwise),
                 rescaled->layer_output(pair.depthwise), pair, counts);
    }
  }));
  return counts;
}

absl::Status RunRescale(const MethodInputs& inputs, MethodResult& result) {
  const FoldedNetwork before = result.network;
  ASSIGN_OR_RETURN(const TensorExtremes extremes,
                   ObserveExtremes(before, {inputs.calibration, before.dataset},
                                   inputs.stop));
  const std::vector<RescaledPair> pairs = Rescale(extremes, result.network);
  int64_t channels = 0, locked = 0, constant = 0;
  for (const RescaledPair& pair : pairs) {
    channels += static_cast<int64_t>(pair.factors.factor.size());
    locked += pair.factors.locked;
    constant += std::count(pair.constant.begin(), pair.constant.end(), true);
  }
  std::string note = absl::StrFormat(
      "Rescaled %d pairs of a depthwise and a following convolution; of %d "
      "channels %d saturate and stay, and %d were constant and became that",
      pairs.size(), channels, locked, constant);
  if (inputs.search.count() > 0) {
    ASSIGN_OR_RETURN(
        const ChangedOutputs counts,
        CountChangedOutputs(before, result.network, pairs,
                            {inputs.search, before.dataset}, inputs.stop));
    absl::StrAppendFormat(
        &note, "; of %d ReLU6 outputs on the held-out images %d changed",
        counts.values, counts.changed);
  }
  result.notes.push_back(absl::StrCat(note, "."));
  return absl::OkStatus();
}

}  // namespace frostnas::quant

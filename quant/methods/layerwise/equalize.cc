#include "quant/methods/layerwise/equalize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/methods/ranges/batches.h"

namespace frostnas::quant {
namespace {

using arch::Layer;
using arch::LayerKind;

// Sweeps end when no factor is further from 1; each halves the distance.
constexpr double kConverged = 1e-3;
constexpr int kMaxSweeps = 200;

// Whether each channel of the output is that channel of the input, pooled.
bool KeepsChannels(const Layer& layer) {
  return layer.kind == LayerKind::kMaxPool ||
         layer.kind == LayerKind::kGlobalPool ||
         layer.kind == LayerKind::kDropout;
}

// Readers of each layer's output.
std::vector<std::vector<int>> ReadersOf(const arch::Graph& graph) {
  std::vector<std::vector<int>> readers(graph.layers.size());
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    for (const int input : graph.layers[i].inputs) {
      if (input != arch::kGraphInput) {
        readers[input].push_back(static_cast<int>(i));
      }
    }
  }
  return readers;
}

// Calls `body` with each weight that reads input channel `c`, and the output
// channel it belongs to.
template <typename Body>
void ForEachReading(const Layer& layer, int c, std::vector<float>& weights,
                    const Body& body) {
  const FilterLayout layout = FilterLayoutOf(layer);
  if (layer.kind == LayerKind::kDepthwise) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      body(weights[layout.at(c, i)], c);
    }
    return;
  }
  for (int o = 0; o < layout.channels; ++o) {
    for (int64_t i = c; i < layout.elements; i += layer.in.channels) {
      body(weights[layout.at(o, i)], o);
    }
  }
}

float LargestOf(const Layer& layer, const FoldedLayer& folded, int c) {
  const FilterLayout layout = FilterLayoutOf(layer);
  float largest = 0;
  for (int64_t i = 0; i < layout.elements; ++i) {
    largest = std::max(largest, std::abs(folded.weights[layout.at(c, i)]));
  }
  return largest;
}

// Divides output channel `c` by `s`.
void DivideOutput(const Layer& layer, int c, double s, FoldedLayer& folded) {
  const FilterLayout layout = FilterLayoutOf(layer);
  const auto divide = [s](float& value) {
    value = static_cast<float>(value / s);
  };
  for (int64_t i = 0; i < layout.elements; ++i) {
    divide(folded.weights[layout.at(c, i)]);
  }
  divide(folded.bias[c]);
  if (!folded.post_shift.empty()) divide(folded.post_shift[c]);
}

// A pair's channels as they are scaled.
class PairEqualizer {
 public:
  PairEqualizer(const LayerPair& pair, const std::vector<Range>& outputs,
                FoldedNetwork& network)
      : first_(network.graph.layers[pair.first]),
        second_(network.graph.layers[pair.second]),
        from_(network.layers[pair.first]),
        to_(network.layers[pair.second]),
        bounded_(first_.activation == v1::ACTIVATION_RELU6) {
    for (const Range& range : outputs) largest_.push_back(range.max);
  }

  int channels() const { return first_.out.channels; }
  int locked() const {
    if (!bounded_) return 0;
    return static_cast<int>(
        std::count_if(largest_.begin(), largest_.end(),
                      [](double x) { return x >= kSaturating; }));
  }

  // The largest |log s|.
  double Sweep() {
    double moved = 0;
    for (int c = 0; c < channels(); ++c) {
      const double s = FactorOf(c);
      if (s == 1) continue;
      DivideOutput(first_, c, s, from_);
      ForEachReading(second_, c, to_.weights, [s](float& weight, int) {
        weight = static_cast<float>(weight * s);
      });
      largest_[c] /= s;
      moved = std::max(moved, std::abs(std::log(s)));
    }
    return moved;
  }

 private:
  double FactorOf(int c) const {
    const double r1 = LargestOf(first_, from_, c);
    double r2 = 0;
    ForEachReading(second_, c, to_.weights, [&r2](const float weight, int) {
      r2 = std::max(r2, static_cast<double>(std::abs(weight)));
    });
    // Only what leaves normal numbers with normal numbers.
    if (!(r1 > kLeastRange && r2 > kLeastRange)) return 1;
    const double s = std::sqrt(r1 / r2);
    if (!bounded_) return s;
    if (largest_[c] >= kSaturating) return 1;
    return std::max(s, largest_[c] / kSaturating);
  }

  static constexpr double kLeastRange = 1e-12;

  const Layer& first_;
  const Layer& second_;
  FoldedLayer& from_;
  FoldedLayer& to_;
  bool bounded_;
  std::vector<double> largest_;  // of the first's output, by channel
};

bool HasPadding(const Layer& layer) { return layer.kernel > 1; }

v1::Activation WithoutRelu6(v1::Activation activation) {
  return activation == v1::ACTIVATION_RELU6 ? v1::ACTIVATION_RELU : activation;
}

}  // namespace

std::vector<LayerPair> FindPairs(const arch::Graph& graph) {
  const auto readers = ReadersOf(graph);
  std::vector<LayerPair> pairs;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& first = graph.layers[i];
    if (!first.has_weights()) continue;
    // Its bound is before the norm, where nothing was observed.
    if (first.norm_after_activation &&
        first.activation == v1::ACTIVATION_RELU6) {
      continue;
    }
    int at = static_cast<int>(i);
    do {
      at = readers[at].size() == 1 ? readers[at][0] : -1;
    } while (at >= 0 && KeepsChannels(graph.layers[at]));
    if (at >= 0 && graph.layers[at].has_weights()) {
      pairs.push_back({static_cast<int>(i), at});
    }
  }
  return pairs;
}

EqualizeResult Equalize(const TensorExtremes& extremes,
                        FoldedNetwork& network) {
  std::vector<PairEqualizer> equalizers;
  for (const LayerPair& pair : FindPairs(network.graph)) {
    equalizers.emplace_back(pair, extremes.channels(pair.first), network);
  }
  EqualizeResult result;
  result.pairs = static_cast<int>(equalizers.size());
  for (const PairEqualizer& pair : equalizers) {
    result.channels += pair.channels();
    result.locked_channels += pair.locked();
  }
  double moved = kConverged + 1;
  while (moved > kConverged && result.sweeps < kMaxSweeps) {
    moved = 0;
    for (PairEqualizer& pair : equalizers) {
      moved = std::max(moved, pair.Sweep());
    }
    ++result.sweeps;
  }
  return result;
}

int AbsorbHighBias(const TensorExtremes& extremes, FoldedNetwork& network) {
  int absorbed = 0;
  for (const LayerPair& pair : FindPairs(network.graph)) {
    const Layer& first = network.graph.layers[pair.first];
    const Layer& second = network.graph.layers[pair.second];
    if (first.activation == v1::ACTIVATION_NONE ||
        first.norm_after_activation || HasPadding(second)) {
      continue;
    }
    const bool bounded = first.activation == v1::ACTIVATION_RELU6;
    FoldedLayer& to = network.layers[pair.second];
    for (int c = 0; c < first.out.channels; ++c) {
      const Range& range = extremes.channels(pair.first)[c];
      if (range.min <= 0 || (bounded && range.max >= kSaturating)) continue;
      network.layers[pair.first].bias[c] -= range.min;
      ForEachReading(second, c, to.weights, [&](const float weight, int o) {
        to.bias[o] += weight * range.min;
      });
      ++absorbed;
    }
  }
  return absorbed;
}

void ReplaceRelu6(FoldedNetwork& network) {
  for (Layer& layer : network.graph.layers) {
    layer.activation = WithoutRelu6(layer.activation);
  }
  for (v1::Block& block : *network.architecture.mutable_blocks()) {
    if (block.has_conv()) {
      block.mutable_conv()->set_activation(
          WithoutRelu6(block.conv().activation()));
    } else if (block.has_inverted_residual()) {
      block.mutable_inverted_residual()->set_activation(
          WithoutRelu6(block.inverted_residual().activation()));
    } else if (block.has_separable()) {
      block.mutable_separable()->set_activation(
          WithoutRelu6(block.separable().activation()));
    }
  }
}

absl::Status RunEqualization(const MethodInputs& inputs, MethodResult& result) {
  const CalibrationImages images = {inputs.calibration, result.network.dataset};
  inputs.Report(0, "equalising");
  ASSIGN_OR_RETURN(const TensorExtremes before,
                   ObserveExtremes(result.network, images, inputs.stop));
  const EqualizeResult equalized = Equalize(before, result.network);
  inputs.Report(0.5, "absorbing biases");
  ASSIGN_OR_RETURN(const TensorExtremes after,
                   ObserveExtremes(result.network, images, inputs.stop));
  const int absorbed = AbsorbHighBias(after, result.network);
  result.notes.push_back(absl::StrCat(
      "Equalised ", equalized.pairs, " pairs of layers in ", equalized.sweeps,
      " sweeps; ", equalized.locked_channels, " of ", equalized.channels,
      " channels stay for their ReLU6; ", absorbed,
      " channels' biases moved on."));
  return absl::OkStatus();
}

absl::Status RunReplaceRelu6(const MethodInputs& inputs, MethodResult& result) {
  inputs.Report(0, "replacing ReLU6");
  ReplaceRelu6(result.network);
  result.notes.push_back(
      "ReLU6 became ReLU: the float function changed where values exceed 6.");
  return absl::OkStatus();
}

}  // namespace frostnas::quant

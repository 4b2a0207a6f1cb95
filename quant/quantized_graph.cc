#include "quant/quantized_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

absl::Status Invalid(const std::string& layer, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("package layer \"", layer, "\": ", what));
}

bool PositiveNormal(float value) { return value > 0 && std::isnormal(value); }

absl::Status CheckGrid(const std::string& layer,
                       const v1::ActivationGrid& grid) {
  if (!PositiveNormal(grid.scale())) {
    return Invalid(layer, absl::StrCat("output.scale is ", grid.scale(),
                                       "; it must be positive and finite"));
  }
  if (grid.zero_point() < 0 || grid.zero_point() > kStoredMax) {
    return Invalid(layer,
                   absl::StrCat("output.zero_point is ", grid.zero_point(),
                                "; it must be 0..255"));
  }
  return absl::OkStatus();
}

absl::Status CheckNoWeights(const v1::PackageLayer& layer) {
  if (layer.weights().empty() && layer.weight_scale_size() == 0 &&
      layer.bias_size() == 0) {
    return absl::OkStatus();
  }
  return Invalid(layer.name(), "has weights, but its kind has none");
}

absl::Status CheckWeightCounts(const ConvGeometry& geometry,
                               const v1::PackageLayer& layer) {
  const int64_t weights = geometry.filter_elements() * geometry.out_channels;
  if (static_cast<int64_t>(layer.weights().size()) != weights) {
    return Invalid(layer.name(),
                   absl::StrCat("weights has ", layer.weights().size(),
                                " bytes; its shape needs ", weights));
  }
  if (layer.weight_scale_size() != geometry.out_channels ||
      layer.bias_size() != geometry.out_channels) {
    return Invalid(
        layer.name(),
        absl::StrCat("weight_scale and bias have ", layer.weight_scale_size(),
                     " and ", layer.bias_size(), " values; it has ",
                     geometry.out_channels, " output channels"));
  }
  return absl::OkStatus();
}

// No weight is -128, every multiplier is a normal float, and no sum of a
// channel, with or without the zero point folded into the bias, leaves int32.
absl::Status CheckChannels(const v1::PackageLayer& layer,
                           const ConvParams& params) {
  const int64_t elements = params.geometry.filter_elements();
  for (int o = 0; o < params.geometry.out_channels; ++o) {
    int64_t sum = std::abs(static_cast<int64_t>(params.bias[o]));
    for (int64_t i = 0; i < elements; ++i) {
      const int weight = params.weight(o, i);
      if (weight < -kWeightMax) {
        return Invalid(layer.name(),
                       absl::StrCat("channel ", o, " has the weight -128"));
      }
      sum += kStoredMax * std::abs(weight);
    }
    if (sum > std::numeric_limits<int32_t>::max()) {
      return Invalid(layer.name(), absl::StrCat("sums of channel ", o,
                                                " can overflow 32 bits"));
    }
    if (!PositiveNormal(layer.weight_scale(o)) ||
        !PositiveNormal(params.multiplier[o])) {
      return Invalid(
          layer.name(),
          absl::StrCat("weight_scale[", o, "] is ", layer.weight_scale(o),
                       "; it must be positive and in proportion to the "
                       "input's and output's scales"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckWeights(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const v1::PackageLayer& stored = quantized.layers[index];
  if (!layer.has_weights()) return CheckNoWeights(stored);
  RETURN_IF_ERROR(CheckWeightCounts(GeometryOf(layer), stored));
  return CheckChannels(stored, ConvParamsOf(quantized, index));
}

absl::Status CheckBoundCount(const arch::Layer& layer, absl::string_view field,
                             const std::string& bounds) {
  if (bounds.size() <= 1 ||
      static_cast<int>(bounds.size()) == layer.out.channels) {
    return absl::OkStatus();
  }
  return Invalid(layer.name, absl::StrCat(field, " has ", bounds.size(),
                                          " bounds; it must have 0, 1 or ",
                                          layer.out.channels));
}

absl::Status CheckBounds(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const v1::PackageLayer& stored = quantized.layers[index];
  if (stored.low().empty() && stored.high().empty()) {
    if (!layer.norm_after_activation) return absl::OkStatus();
    return Invalid(layer.name,
                   "normalises after its activation, which needs low or high");
  }
  if (MovesValues(layer)) {
    return Invalid(layer.name, "has bounds, but only moves values");
  }
  RETURN_IF_ERROR(CheckBoundCount(layer, "low", stored.low()));
  RETURN_IF_ERROR(CheckBoundCount(layer, "high", stored.high()));
  // Where one is empty the other cannot be beyond it.
  const size_t channels = std::max(stored.low().size(), stored.high().size());
  for (size_t c = 0; c < channels; ++c) {
    if (stored.low().empty() || stored.high().empty()) break;
    const int low =
        static_cast<uint8_t>(stored.low()[stored.low().size() == 1 ? 0 : c]);
    const int high =
        static_cast<uint8_t>(stored.high()[stored.high().size() == 1 ? 0 : c]);
    if (low > high) {
      return Invalid(layer.name, absl::StrCat("low is ", low, " and high is ",
                                              high, " in channel ", c));
    }
  }
  return absl::OkStatus();
}

// Multipliers of layers without weights.
absl::Status CheckRescaling(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  for (int input : layer.inputs) {
    const v1::ActivationGrid& src = quantized.grid(input);
    const v1::ActivationGrid& dst = quantized.grid(index);
    if (MovesValues(layer) &&
        (src.scale() != dst.scale() || src.zero_point() != dst.zero_point())) {
      return Invalid(layer.name, "output differs from its input's grid");
    }
    // Wide enough for any sane network, and far from float's limits.
    const float ratio = src.scale() / dst.scale();
    if (!layer.has_weights() && !(ratio > 1e-10f && ratio < 1e10f)) {
      return Invalid(layer.name,
                     "output.scale is out of proportion to its "
                     "input's");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateQuantizedGraph(const QuantizedGraph& quantized) {
  const size_t count = quantized.graph.layers.size();
  if (quantized.layers.size() != count) {
    return absl::InvalidArgumentError(
        absl::StrCat("package has ", quantized.layers.size(),
                     " layers; its architecture has ", count));
  }
  RETURN_IF_ERROR(CheckGrid("input", quantized.input));
  for (size_t i = 0; i < count; ++i) {
    const v1::PackageLayer& layer = quantized.layers[i];
    const std::string& expected = quantized.graph.layers[i].name;
    if (layer.name() != expected) {
      return Invalid(layer.name(),
                     absl::StrCat("expected \"", expected, "\" as layer ", i));
    }
    RETURN_IF_ERROR(CheckGrid(layer.name(), layer.output()));
    RETURN_IF_ERROR(CheckBounds(quantized, static_cast<int>(i)));
    RETURN_IF_ERROR(CheckRescaling(quantized, static_cast<int>(i)));
    RETURN_IF_ERROR(CheckWeights(quantized, static_cast<int>(i)));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::quant

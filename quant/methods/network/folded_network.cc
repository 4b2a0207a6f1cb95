#include "quant/methods/network/folded_network.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

std::vector<float> ToFloat(const std::vector<double>& values) {
  return std::vector<float>(values.begin(), values.end());
}

absl::Status CheckFinite(const arch::Layer& layer, absl::string_view what,
                         const std::vector<float>& values) {
  for (float value : values) {
    if (std::isfinite(value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("layer \"", layer.name, "\": folding its norm gives ",
                     what, " that are not finite; a variance is too small"));
  }
  return absl::OkStatus();
}

// Norm before the activation, or none: into weights and bias.
FoldedLayer FoldInto(const FilterLayout& layout,
                     absl::Span<const float> weights,
                     const ChannelAffines& affines) {
  FoldedLayer folded;
  folded.weights.resize(weights.size());
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      const int64_t at = layout.at(c, i);
      folded.weights[at] =
          static_cast<float>(affines.factor[c] * double{weights[at]});
    }
  }
  folded.bias = ToFloat(affines.bias);
  return folded;
}

absl::StatusOr<FoldedLayer> FoldLayer(const arch::Layer& layer,
                                      const LayerTensors& tensors,
                                      const NormOptions& options) {
  const FilterLayout layout = FilterLayoutOf(layer);
  ASSIGN_OR_RETURN(
      const auto weights,
      tensors.Get(layer.name, "weight", layout.elements * layout.channels));
  const bool in_front = layer.batch_norm && !layer.norm_after_activation;
  ASSIGN_OR_RETURN(
      const ChannelAffines affines,
      in_front ? NormOf(layer, tensors, options) : BiasOf(layer, tensors));
  FoldedLayer folded = FoldInto(layout, weights, affines);
  if (layer.norm_after_activation) {
    ASSIGN_OR_RETURN(const ChannelAffines norm,
                     NormOf(layer, tensors, options));
    folded.post_scale = ToFloat(norm.factor);
    folded.post_shift = ToFloat(norm.bias);
  }
  RETURN_IF_ERROR(CheckFinite(layer, "weights", folded.weights));
  RETURN_IF_ERROR(CheckFinite(layer, "biases", folded.bias));
  RETURN_IF_ERROR(CheckFinite(layer, "scales", folded.post_scale));
  RETURN_IF_ERROR(CheckFinite(layer, "shifts", folded.post_shift));
  return folded;
}

// What images are normalised with.
absl::Status CheckDataset(const v1::Architecture& architecture,
                          const v1::DatasetInfo& dataset) {
  const int channels = architecture.input_channels();
  if (dataset.image_size() != architecture.input_size() ||
      dataset.channels() != channels || dataset.mean_size() != channels ||
      dataset.stddev_size() != channels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "dataset has images of ", dataset.image_size(), " px, ",
        dataset.channels(), " channels, ", dataset.mean_size(), " means and ",
        dataset.stddev_size(), " deviations; the architecture takes ",
        architecture.input_size(), " px and ", channels, " channels"));
  }
  for (int c = 0; c < channels; ++c) {
    if (!std::isfinite(dataset.mean(c)) || !(dataset.stddev(c) > 0) ||
        !std::isnormal(dataset.stddev(c))) {
      return absl::InvalidArgumentError(
          absl::StrCat("dataset.mean[", c, "] or dataset.stddev[", c,
                       "] is not finite and positive"));
    }
  }
  return absl::OkStatus();
}

// Appends LAYER.SUFFIX; nothing when empty.
void AddTensor(const std::string& name, const std::vector<int>& shape,
               const std::vector<float>& values, v1::FloatNetwork& to) {
  if (values.empty()) return;
  v1::NamedTensor& tensor = *to.add_tensors();
  tensor.set_name(name);
  tensor.mutable_shape()->Add(shape.begin(), shape.end());
  tensor.set_data(values.data(), values.size() * sizeof(float));
}

std::vector<int> WeightShape(const arch::Layer& layer) {
  const ConvGeometry geometry = GeometryOf(layer);
  if (geometry.depthwise) {
    return {geometry.kernel, geometry.kernel, geometry.out_channels};
  }
  return {geometry.out_channels, geometry.kernel, geometry.kernel,
          geometry.in_channels};
}

}  // namespace

FilterLayout FilterLayoutOf(const arch::Layer& layer) {
  const ConvGeometry geometry = GeometryOf(layer);
  FilterLayout layout;
  layout.channels = geometry.out_channels;
  layout.elements = geometry.filter_elements();
  layout.stride_channel = geometry.depthwise ? 1 : layout.elements;
  layout.stride_element = geometry.depthwise ? geometry.out_channels : 1;
  return layout;
}

absl::StatusOr<FoldedNetwork> Fold(const v1::FloatNetwork& trained,
                                   const NormOptions& options) {
  if (!trained.has_architecture()) {
    return absl::InvalidArgumentError(
        "architecture is missing; write the network with //quant:train");
  }
  FoldedNetwork folded;
  folded.architecture = trained.architecture();
  folded.dataset = trained.dataset();
  ASSIGN_OR_RETURN(folded.graph,
                   arch::ExpandArchitecture(trained.architecture()));
  RETURN_IF_ERROR(CheckDataset(folded.architecture, folded.dataset));
  ASSIGN_OR_RETURN(const LayerTensors tensors, LayerTensors::Create(trained));
  for (const arch::Layer& layer : folded.graph.layers) {
    FoldedLayer& to = folded.layers.emplace_back();
    if (!layer.has_weights()) continue;
    ASSIGN_OR_RETURN(to, FoldLayer(layer, tensors, options));
  }
  return folded;
}

arch::Graph FoldedGraph(const arch::Graph& graph) {
  arch::Graph folded = graph;
  for (arch::Layer& layer : folded.layers) {
    layer.batch_norm = layer.norm_after_activation;
  }
  return folded;
}

v1::FloatNetwork TensorsOf(const FoldedNetwork& folded) {
  v1::FloatNetwork tensors;
  tensors.set_format_version(1);
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    const FoldedLayer& from = folded.layers[i];
    const std::vector<int> channels = {layer.out.channels};
    AddTensor(layer.name + ".weight", WeightShape(layer), from.weights,
              tensors);
    AddTensor(layer.name + ".bias", channels, from.bias, tensors);
    AddTensor(layer.name + ".gamma", channels, from.post_scale, tensors);
    AddTensor(layer.name + ".beta", channels, from.post_shift, tensors);
    const size_t norms = from.post_scale.size();
    AddTensor(layer.name + ".mean", channels, std::vector<float>(norms, 0.0f),
              tensors);
    AddTensor(layer.name + ".var", channels, std::vector<float>(norms, 1.0f),
              tensors);
  }
  return tensors;
}

absl::StatusOr<std::unique_ptr<nn::Network>> FloatNetworkOf(
    const FoldedNetwork& folded) {
  if (folded.layers.size() != folded.graph.layers.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the folded network has ", folded.layers.size(),
                     " layers; its graph has ", folded.graph.layers.size()));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<nn::Network> network,
                   nn::Network::Create(
                       FoldedGraph(folded.graph),
                       {.batch_norm_epsilon = 0, .frozen_batch_norm = true}));
  RETURN_IF_ERROR(network->Load(TensorsOf(folded), /*require_all=*/true));
  return network;
}

}  // namespace frostnas::quant

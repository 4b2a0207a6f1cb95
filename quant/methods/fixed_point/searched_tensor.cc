#include "quant/methods/fixed_point/searched_tensor.h"

#include <set>

#include "quant/grid_groups.h"

namespace frostnas::quant {

std::vector<SearchedTensor> TensorsOf(const arch::Graph& graph,
                                      TensorKind kind) {
  const GridGroups groups(graph);
  std::set<int> seen = {groups.group(arch::kGraphInput)};
  std::vector<SearchedTensor> tensors;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const int layer = static_cast<int>(i);
    const std::string& name = graph.layers[i].name;
    if (kind == TensorKind::kActivation) {
      const int group = groups.group(layer);
      if (!seen.insert(group).second) continue;
      tensors.push_back({kind, group, layer, name + " output"});
    } else if (graph.layers[i].has_weights()) {
      tensors.push_back(
          {kind, layer, layer,
           name + (kind == TensorKind::kBias ? " biases" : " weights")});
    }
  }
  return tensors;
}

FixedPoint FormatOf(const SearchedTensor& tensor,
                    const FixedPointNetwork& choice) {
  switch (tensor.kind) {
    case TensorKind::kWeights: {
      const FixedPointWeights& weights = choice.layers[tensor.index].weights;
      return {weights.bits, weights.fractions[0]};
    }
    case TensorKind::kBias:
      return choice.layers[tensor.index].bias;
    case TensorKind::kActivation:
      break;
  }
  return choice.activations[tensor.index];
}

void SetFormat(const SearchedTensor& tensor, const FixedPoint& format,
               FixedPointNetwork& choice) {
  switch (tensor.kind) {
    case TensorKind::kWeights:
      choice.layers[tensor.index].weights = {format.bits, {format.fraction}};
      return;
    case TensorKind::kBias:
      choice.layers[tensor.index].bias = format;
      return;
    case TensorKind::kActivation:
      choice.activations[tensor.index] = format;
      return;
  }
}

}  // namespace frostnas::quant

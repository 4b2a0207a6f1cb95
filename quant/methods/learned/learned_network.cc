#include "quant/methods/learned/learned_network.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/grid_groups.h"

namespace frostnas::quant {
namespace {

FoldedNetwork WithoutDropout(FoldedNetwork folded) {
  for (arch::Layer& layer : folded.graph.layers) layer.dropout = 0;
  return folded;
}

}  // namespace

LearnedNetwork::LearnedNetwork(const FoldedNetwork& folded, LearnedParts parts)
    : folded_(folded), parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<LearnedNetwork>> LearnedNetwork::Create(
    const FoldedNetwork& folded, LearnedParts parts) {
  CHECK_EQ(parts.weights.size(), folded.layers.size());
  std::unique_ptr<LearnedNetwork> learned(
      new LearnedNetwork(folded, std::move(parts)));
  ASSIGN_OR_RETURN(learned->network_, FloatNetworkOf(WithoutDropout(folded)));
  learned->SetHooks();
  return learned;
}

void LearnedNetwork::SetHooks() {
  const GridGroups groups(folded_.graph);
  CHECK_EQ(static_cast<int>(parts_.grids.size()), groups.num_groups());
  std::vector<nn::LayerQuantization> hooks(folded_.layers.size());
  for (size_t i = 0; i < hooks.size(); ++i) {
    hooks[i].weights = parts_.weights[i].get();
    hooks[i].output = parts_.grids[groups.group(static_cast<int>(i))].get();
  }
  network_->SetQuantization(hooks);
  network_->SetInputQuantization(
      parts_.grids[groups.group(arch::kGraphInput)].get());
}

std::vector<nn::Parameter*> LearnedNetwork::layer_parameters() {
  std::vector<nn::Parameter*> parameters;
  for (nn::Parameter* parameter : network_->parameters()) {
    if (parameter->role != nn::ParameterRole::kNorm) {
      parameters.push_back(parameter);
    }
  }
  return parameters;
}

std::vector<nn::Parameter*> LearnedNetwork::quantizer_parameters() {
  std::vector<nn::Parameter*> parameters;
  for (const auto& weights : parts_.weights) {
    if (weights != nullptr) parameters.push_back(&weights->parameter());
  }
  for (const auto& grid : parts_.grids) {
    if (grid->parameter() != nullptr) parameters.push_back(grid->parameter());
  }
  return parameters;
}

void LearnedNetwork::Project() {
  for (const auto& weights : parts_.weights) {
    if (weights != nullptr) weights->Project();
  }
  for (const auto& grid : parts_.grids) grid->Project();
}

FoldedNetwork LearnedNetwork::Folded() const {
  FoldedNetwork folded = folded_;
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    const std::string& name = folded.graph.layers[i].name;
    for (const nn::Parameter* parameter : network_->parameters()) {
      if (parameter->name == absl::StrCat(name, ".weight")) {
        folded.layers[i].weights = parameter->value;
      } else if (parameter->name == absl::StrCat(name, ".bias")) {
        folded.layers[i].bias = parameter->value;
      }
    }
  }
  return folded;
}

QuantizationPlan LearnedNetwork::Plan() const {
  const FoldedNetwork folded = Folded();
  const GridGroups groups(folded.graph);
  const auto grid = [&](int index) {
    return OutputGrid{parts_.grids[groups.group(index)]->grid()};
  };
  QuantizationPlan plan;
  plan.input = grid(arch::kGraphInput);
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    plan.outputs.push_back(grid(static_cast<int>(i)));
    plan.layers.emplace_back();
    if (parts_.weights[i] == nullptr) continue;
    plan.layers[i] =
        RoundWeights(folded.graph.layers[i], folded.layers[i],
                     parts_.weights[i]->scales(), parts_.weight_bits);
  }
  return plan;
}

void SetBits(const MethodOptions& options, MethodResult& result) {
  const GridGroups groups(result.network.graph);
  const int input = groups.group(arch::kGraphInput);
  result.bits.resize(result.network.layers.size());
  for (size_t i = 0; i < result.bits.size(); ++i) {
    const bool of_input = groups.group(static_cast<int>(i)) == input;
    result.bits[i].activation = of_input ? 8 : options.activation_bits;
    result.bits[i].weights = options.weight_bits;
  }
}

}  // namespace frostnas::quant

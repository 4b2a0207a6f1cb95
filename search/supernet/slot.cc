#include "search/supernet/slot.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/random.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

// Whether `graph` is, layer by layer, a part of what `largest` expands to.
bool IsPart(const arch::Graph& graph, const v1::Block& largest,
            int num_classes) {
  const auto large = arch::ExpandBlock(largest, graph.input, num_classes);
  return large.ok() && MapLayers(graph, *large).ok();
}

// The layer a parameter belongs to: "s1b1.expand" of "s1b1.expand.weight".
absl::string_view LayerOf(absl::string_view parameter) {
  return parameter.substr(0, parameter.rfind('.'));
}

void AddTensor(const nn::Parameter& parameter, std::string name,
               v1::FloatNetwork& to) {
  v1::NamedTensor& tensor = *to.add_tensors();
  tensor.set_name(std::move(name));
  for (int extent : parameter.shape) tensor.add_shape(extent);
  tensor.set_data(reinterpret_cast<const char*>(parameter.value.data()),
                  parameter.value.size() * sizeof(float));
}

absl::Status TakeTensor(const v1::NamedTensor& tensor,
                        nn::Parameter& parameter) {
  if (tensor.data().size() != parameter.value.size() * sizeof(float)) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint tensor ", tensor.name(), " has ",
                     tensor.data().size(), " bytes; this supernet needs ",
                     parameter.value.size() * sizeof(float)));
  }
  std::memcpy(parameter.value.data(), tensor.data().data(),
              tensor.data().size());
  return absl::OkStatus();
}

const v1::NamedTensor* Find(const v1::FloatNetwork& network,
                            absl::string_view name) {
  for (const v1::NamedTensor& tensor : network.tensors()) {
    if (tensor.name() == name) return &tensor;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Slot>> Slot::Create(
    const arch::SearchSlot& plan, int num_classes,
    const nn::NetworkOptions& options) {
  std::unique_ptr<Slot> slot(new Slot());
  slot->name_ = plan.name;
  slot->num_classes_ = num_classes;
  RETURN_IF_ERROR(slot->MakeCandidates(plan, options));
  slot->MakeGroups(plan);
  for (Group& group : slot->groups_) {
    RETURN_IF_ERROR(slot->MakeParameters(plan.in, options, group));
  }
  return slot;
}

absl::Status Slot::MakeCandidates(const arch::SearchSlot& plan,
                                  const nn::NetworkOptions& options) {
  for (const arch::SlotCandidate& from : plan.candidates) {
    Candidate& candidate = candidates_.emplace_back();
    if (from.skip) continue;
    ASSIGN_OR_RETURN(candidate.plan, quant::QatPlan::Create(from.graph, {}));
    ASSIGN_OR_RETURN(candidate.network,
                     nn::Network::Create(from.graph, options));
    candidate.plan->Attach(*candidate.network);
  }
  return absl::OkStatus();
}

void Slot::MakeGroups(const arch::SearchSlot& plan) {
  for (size_t k = 0; k < plan.candidates.size(); ++k) {
    const arch::SlotCandidate& candidate = plan.candidates[k];
    if (candidate.skip) continue;
    const auto joined =
        std::find_if(groups_.begin(), groups_.end(), [&](Group& group) {
          const auto largest = LargestBlock({group.largest, candidate.block});
          if (!largest.ok()) return false;
          const auto fits = [&](int member) {
            return IsPart(plan.candidates[member].graph, *largest,
                          num_classes_);
          };
          if (!fits(static_cast<int>(k)) ||
              !std::all_of(group.members.begin(), group.members.end(), fits)) {
            return false;
          }
          group.largest = *largest;
          return true;
        });
    Group& group = joined != groups_.end()
                       ? *joined
                       : groups_.emplace_back(Group{candidate.block, {}, {}});
    group.members.push_back(static_cast<int>(k));
  }
}

absl::Status Slot::MakeParameters(arch::FeatureShape input,
                                  const nn::NetworkOptions& options,
                                  Group& group) {
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandBlock(group.largest, input, num_classes_));
  // Made for its initial weights only.
  ASSIGN_OR_RETURN(const auto network, nn::Network::Create(graph, options));
  for (const nn::Parameter* parameter : network->parameters()) {
    group.parameters.push_back(std::make_unique<nn::Parameter>(*parameter));
    group.parameters.back()->ZeroGrad();
  }
  for (int k : group.members) {
    RETURN_IF_ERROR(ShareParameters(k, graph, group));
  }
  return absl::OkStatus();
}

absl::Status Slot::ShareParameters(int k, const arch::Graph& largest,
                                   Group& group) {
  Candidate& candidate = candidates_[k];
  ASSIGN_OR_RETURN(const std::vector<LayerMap> layers,
                   MapLayers(candidate.network->graph(), largest));
  for (nn::Parameter* own : candidate.network->parameters()) {
    const auto layer = std::find_if(
        layers.begin(), layers.end(),
        [&](const LayerMap& map) { return map.name == LayerOf(own->name); });
    const auto shared = std::find_if(
        group.parameters.begin(), group.parameters.end(),
        [&](const auto& parameter) { return parameter->name == own->name; });
    if (layer == layers.end() || shared == group.parameters.end()) {
      return absl::InternalError(
          absl::StrCat("parameter ", own->name, " has no shared counterpart"));
    }
    Share share = {.own = own, .shared = shared->get(), .map = {}};
    ASSIGN_OR_RETURN(share.map, MapElements(*layer, *own, **shared));
    candidate.touched.push_back(share.shared);
    candidate.shares.push_back(std::move(share));
  }
  return absl::OkStatus();
}

void Slot::GatherWeights(int k) {
  for (Share& share : candidates_[k].shares) {
    GatherElements(share.map, share.shared->value,
                   absl::MakeSpan(share.own->value));
  }
}

const nn::Tensor& Slot::Forward(int k, const nn::Tensor& src, nn::Mode mode) {
  if (is_skip(k)) return src;
  return candidates_[k].network->Forward(src, mode);
}

nn::Tensor& Slot::Backward(int k, nn::Tensor& diff_dst, bool need_diff_src) {
  if (is_skip(k)) return diff_dst;
  for (Share& share : candidates_[k].shares) share.own->ZeroGrad();
  return candidates_[k].network->Backward(diff_dst, need_diff_src);
}

void Slot::ScatterGradients(int k) {
  for (Share& share : candidates_[k].shares) {
    ScatterAddElements(share.map, share.own->grad,
                       absl::MakeSpan(share.shared->grad));
  }
}

void Slot::SetPhase(quant::QatPhase phase) {
  for (Candidate& candidate : candidates_) {
    if (candidate.plan != nullptr) candidate.plan->SetPhase(phase);
  }
}

std::vector<nn::Parameter*> Slot::parameters() {
  std::vector<nn::Parameter*> all;
  for (Group& group : groups_) {
    for (auto& parameter : group.parameters) all.push_back(parameter.get());
  }
  return all;
}

void Slot::SaveCandidate(int k, v1::FloatNetwork& to) {
  if (is_skip(k)) return;
  GatherWeights(k);
  candidates_[k].network->Save(to);
}

std::string Slot::StateName(absl::string_view kind, size_t index,
                            absl::string_view name) const {
  return absl::StrCat(kind, "/", name_, "/", index, "/", name);
}

void Slot::SaveState(v1::FloatNetwork& to) {
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const auto& parameter : groups_[g].parameters) {
      AddTensor(*parameter, StateName("weights", g, parameter->name), to);
    }
  }
  for (size_t k = 0; k < candidates_.size(); ++k) {
    if (candidates_[k].plan == nullptr) continue;
    v1::FloatNetwork ranges;
    candidates_[k].plan->Save(ranges);
    for (v1::NamedTensor& tensor : *ranges.mutable_tensors()) {
      tensor.set_name(StateName("ranges", k, tensor.name()));
      *to.add_tensors() = std::move(tensor);
    }
  }
}

absl::Status Slot::LoadState(const v1::FloatNetwork& from) {
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (auto& parameter : groups_[g].parameters) {
      const std::string name = StateName("weights", g, parameter->name);
      const v1::NamedTensor* tensor = Find(from, name);
      if (tensor == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("checkpoint lacks tensor ", name));
      }
      RETURN_IF_ERROR(TakeTensor(*tensor, *parameter));
    }
  }
  for (size_t k = 0; k < candidates_.size(); ++k) {
    if (candidates_[k].plan == nullptr) continue;
    const std::string prefix = StateName("ranges", k, "");
    v1::FloatNetwork ranges;
    for (const v1::NamedTensor& tensor : from.tensors()) {
      if (!absl::StartsWith(tensor.name(), prefix)) continue;
      v1::NamedTensor& renamed = *ranges.add_tensors();
      renamed = tensor;
      renamed.set_name(std::string(absl::StripPrefix(tensor.name(), prefix)));
    }
    RETURN_IF_ERROR(candidates_[k].plan->Load(ranges, false));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::search

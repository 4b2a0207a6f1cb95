#include "search/supernet/supernet.h"

#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "nn/tensor_pool.h"

namespace frostnas::search {
namespace {

absl::Status DropDropout(int num_classes, arch::SearchSlot& slot) {
  for (arch::SlotCandidate& candidate : slot.candidates) {
    if (candidate.skip || !candidate.block.has_classifier()) continue;
    candidate.block.mutable_classifier()->set_dropout(0);
    ASSIGN_OR_RETURN(candidate.graph,
                     arch::ExpandBlock(candidate.block, slot.in, num_classes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Supernet>> Supernet::Create(
    const arch::SearchSpace& space, const nn::NetworkOptions& options) {
  std::unique_ptr<Supernet> supernet(new Supernet());
  const Random root = Random(options.seed).Split("supernet");
  // Candidates run one at a time.
  const auto gradients = std::make_shared<nn::TensorPool>();
  for (arch::SearchSlot slot : space.slots()) {
    RETURN_IF_ERROR(DropDropout(space.num_classes(), slot));
    nn::NetworkOptions own = options;
    own.gradients = gradients;
    own.seed = root.Split(slot.name).NextUint64();
    ASSIGN_OR_RETURN(auto made, Slot::Create(slot, space.num_classes(), own));
    supernet->slots_.push_back(std::move(made));
  }
  return supernet;
}

const nn::Tensor& Supernet::Forward(const Path& path, const nn::Tensor& images,
                                    nn::Mode mode) {
  CHECK_EQ(path.size(), slots_.size());
  const nn::Tensor* x = &images;
  for (size_t s = 0; s < slots_.size(); ++s) {
    slots_[s]->GatherWeights(path[s]);
    x = &slots_[s]->Forward(path[s], *x, mode);
  }
  return *x;
}

void Supernet::Backward(const Path& path, nn::Tensor& diff_logits) {
  CHECK_EQ(path.size(), slots_.size());
  nn::Tensor* diff = &diff_logits;
  for (size_t s = slots_.size(); s-- > 0;) {
    diff = &slots_[s]->Backward(path[s], *diff, s > 0);
    slots_[s]->ScatterGradients(path[s]);
  }
}

void Supernet::SetPhase(quant::QatPhase phase) {
  for (auto& slot : slots_) slot->SetPhase(phase);
}

std::vector<nn::Parameter*> Supernet::parameters() {
  std::vector<nn::Parameter*> all;
  for (auto& slot : slots_) {
    const auto own = slot->parameters();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<nn::Parameter*> Supernet::ParametersOf(const Path& path) const {
  std::vector<nn::Parameter*> touched;
  for (size_t s = 0; s < slots_.size(); ++s) {
    const auto& own = slots_[s]->parameters_of(path[s]);
    touched.insert(touched.end(), own.begin(), own.end());
  }
  return touched;
}

v1::FloatNetwork Supernet::Weights(const Path& path) {
  v1::FloatNetwork weights;
  weights.set_format_version(1);
  for (size_t s = 0; s < slots_.size(); ++s) {
    slots_[s]->SaveCandidate(path[s], weights);
  }
  return weights;
}

v1::FloatNetwork Supernet::SaveState() {
  v1::FloatNetwork state;
  for (auto& slot : slots_) slot->SaveState(state);
  return state;
}

absl::Status Supernet::LoadState(const v1::FloatNetwork& state) {
  for (auto& slot : slots_) RETURN_IF_ERROR(slot->LoadState(state));
  return absl::OkStatus();
}

}  // namespace frostnas::search

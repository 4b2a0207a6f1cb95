// One position of the supernet: its candidates and the weights they share.
//
// Every candidate is a network of its own, with its own activations and
// activation ranges, because their shapes differ. Their weights are parts of
// one set of shared parameters (weight_map.h): with ten thousand images and
// minutes of training, independent candidates would starve. Candidates that
// are not parts of one block (other kinds, no expansion) form groups with
// parameters of their own.
//
//   slot->GatherWeights(k);                  // shared -> candidate
//   dst = &slot->Forward(k, src, mode);
//   diff_src = &slot->Backward(k, diff_dst, true);
//   slot->ScatterGradients(k);               // candidate -> shared, added
//
// A skip candidate is the identity: its output is `src` itself and its input
// gradient `diff_dst` itself. References stay valid until the candidate's next
// Forward (Backward). Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_SLOT_H_
#define FROSTNAS_SEARCH_SUPERNET_SLOT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "nn/network.h"
#include "nn/parameter.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/qat.h"
#include "search/supernet/weight_map.h"

namespace frostnas::search {

class Slot {
 public:
  // Fresh weights from the seed. INVALID_ARGUMENT: a block that cannot be
  // trained, naming it.
  static absl::StatusOr<std::unique_ptr<Slot>> Create(
      const arch::SearchSlot& plan, int num_classes,
      const nn::NetworkOptions& options);

  int num_candidates() const { return static_cast<int>(candidates_.size()); }
  bool is_skip(int k) const { return candidates_[k].network == nullptr; }
  const std::string& name() const { return name_; }

  void GatherWeights(int k);
  const nn::Tensor& Forward(int k, const nn::Tensor& src, nn::Mode mode);
  // The candidate's gradients are of this pass alone. Overwrites diff_dst; the
  // result is the caller's to overwrite.
  nn::Tensor& Backward(int k, nn::Tensor& diff_dst, bool need_diff_src);
  // Adds the candidate's gradients to the shared ones. Once a Backward.
  void ScatterGradients(int k);

  // Of all candidates.
  void SetPhase(quant::QatPhase phase);

  // The shared parameters, and those that candidate k has a part of.
  std::vector<nn::Parameter*> parameters();
  const std::vector<nn::Parameter*>& parameters_of(int k) const {
    return candidates_[k].touched;
  }

  // Adds candidate k's weights and statistics under the names that a whole
  // network with this block has.
  void SaveCandidate(int k, v1::FloatNetwork& to);

  // Shared weights and ranges, named by slot, and back. Batch-norm running
  // statistics are left out: training never reads them and derived networks
  // are recalibrated. INVALID_ARGUMENT: tensors that do not fit this slot.
  void SaveState(v1::FloatNetwork& to);
  absl::Status LoadState(const v1::FloatNetwork& from);

 private:
  // Parameters shared by some candidates.
  struct Group {
    v1::Block largest;
    std::vector<int> members;
    std::vector<std::unique_ptr<nn::Parameter>> parameters;
  };
  // A candidate's parameter and its place in a shared one.
  struct Share {
    nn::Parameter* own = nullptr;
    nn::Parameter* shared = nullptr;
    ElementMap map;
  };
  struct Candidate {
    // Order matters: the network uses the plan's hooks.
    std::unique_ptr<quant::QatPlan> plan;
    std::unique_ptr<nn::Network> network;  // null: skip
    std::vector<Share> shares;
    std::vector<nn::Parameter*> touched;
  };

  Slot() = default;
  absl::Status MakeCandidates(const arch::SearchSlot& plan,
                              const nn::NetworkOptions& options);
  void MakeGroups(const arch::SearchSlot& plan);
  absl::Status MakeParameters(arch::FeatureShape input,
                              const nn::NetworkOptions& options, Group& group);
  absl::Status ShareParameters(int k, const arch::Graph& largest, Group& group);
  std::string StateName(absl::string_view kind, size_t index,
                        absl::string_view name) const;

  std::string name_;
  int num_classes_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<Group> groups_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_SLOT_H_

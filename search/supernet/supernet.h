// The weight-sharing network over a space.
//
// A Path says which candidate every slot takes. Forward and Backward run one
// path; the architecture step (architecture_step.h) reaches into the slots to
// run several candidates of each.
//
//   logits = &supernet.Forward(path, images, Mode::kTrain);
//   ... diff_logits ...
//   supernet.Backward(path, diff_logits);     // adds to the shared gradients
//   optimizer.StepSome(lr, supernet.ParametersOf(path));
//
// Dropout is left out of the supernet: shared weights underfit, and the
// dropout's draws would be one more state to keep.
//
// Deterministic for one seed and thread count. Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_SUPERNET_H_
#define FROSTNAS_SEARCH_SUPERNET_SUPERNET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arch/space.h"
#include "nn/network.h"
#include "nn/parameter.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/qat.h"
#include "search/supernet/slot.h"

namespace frostnas::search {

// One candidate index a slot.
using Path = std::vector<int>;

class Supernet {
 public:
  // INVALID_ARGUMENT: a block that cannot be trained.
  static absl::StatusOr<std::unique_ptr<Supernet>> Create(
      const arch::SearchSpace& space, const nn::NetworkOptions& options);

  int num_slots() const { return static_cast<int>(slots_.size()); }
  Slot& slot(int s) { return *slots_[s]; }

  // Logits of the path with the shared weights as they are now. Valid until
  // the next Forward of the last slot.
  const nn::Tensor& Forward(const Path& path, const nn::Tensor& images,
                            nn::Mode mode);
  // After Forward(kTrain) of the same path; adds to the shared gradients.
  // Overwrites diff_logits.
  void Backward(const Path& path, nn::Tensor& diff_logits);

  void SetPhase(quant::QatPhase phase);

  // Shared parameters in a fixed order, and those that the path has a part of.
  std::vector<nn::Parameter*> parameters();
  std::vector<nn::Parameter*> ParametersOf(const Path& path) const;

  // The path's weights under the names of a whole network. The caller fills in
  // the architecture.
  v1::FloatNetwork Weights(const Path& path);

  // Everything training changes, and back, but for gradients.
  // INVALID_ARGUMENT: not a state of this supernet.
  v1::FloatNetwork SaveState();
  absl::Status LoadState(const v1::FloatNetwork& state);

 private:
  Supernet() = default;

  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_SUPERNET_H_

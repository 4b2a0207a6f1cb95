// Quantization-aware training of a network: which tensors share a grid, their
// observers, and the switch from observing to quantizing.
//
//   ASSIGN_OR_RETURN(auto qat, QatPlan::Create(network->graph(), {}));
//   qat->Attach(*network);                    // observing only (StatAssist)
//   ... float epochs ...
//   qat->SetPhase(QatPhase::kQuantizing);     // fake quantization from now on
//   ... epochs ...
//   ASSIGN_OR_RETURN(v1::Package package, Convert(*network, *qat, ...));
//
// Grids: ReLU outputs are [0, max] with zero point 0; linear outputs, adds and
// the input are affine and contain 0; a concat and both its inputs share one
// grid (design.md 5), to which a ReLU branch's output is clamped; max pooling
// keeps its input's grid. Ranges are moving
// averages of each batch's minimum and maximum.
//
// Thread-compatible; must outlive the network's use of it.
#ifndef FROSTNAS_QUANT_QAT_H_
#define FROSTNAS_QUANT_QAT_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "nn/network.h"
#include "proto/frostnas/v1/dataset.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/observer.h"

namespace frostnas::quant {

struct QatOptions {
  int weight_bits = 8;
  int activation_bits = 8;
  // Weight of the newest batch in the moving average of ranges.
  float range_momentum = 0.05f;
  QuantizeFrom logits = QuantizeFrom::kFrozen;
};

// As PyTorch trains and FrostNet's authors did (methods.md 1.5): ranges follow
// slowly, and logits are quantized like everything else.
QatOptions PublishedQatOptions();

class QatPlan {
 public:
  // INVALID_ARGUMENT: an option out of range, naming it (bits 2..8, momentum
  // in (0, 1]).
  static absl::StatusOr<std::unique_ptr<QatPlan>> Create(
      const arch::Graph& graph, const QatOptions& options);
  ~QatPlan();

  // Sets the hooks of a network of the plan's graph. The plan must outlive the
  // network's use of it.
  void Attach(nn::Network& network);
  void Detach();

  // Starts as kObserving. The attached network follows.
  void SetPhase(QatPhase phase);
  QatPhase phase() const;
  const QatOptions& options() const;

  // Grid of layer `index`'s output, or of the input (arch::kGraphInput).
  nn::AffineGrid grid(int index) const;
  // Whether every tensor on that grid has been observed.
  bool observed(int index) const;

  // Ranges as "LAYER.range" tensors ("input.range") of [min, max], and back.
  // Loading takes those present; INVALID_ARGUMENT: not a range; NOT_FOUND:
  // `require_all` and one is missing.
  void Save(v1::FloatNetwork& to) const;
  absl::Status Load(const v1::FloatNetwork& from, bool require_all);

 private:
  struct Impl;
  explicit QatPlan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Folds batch norm and converts to integers (quant/convert.h).
// FAILED_PRECONDITION: a range was never observed. INVALID_ARGUMENT: a weight
// is not finite, or activations do not have 8 bits; names the layer or option.
// fake_quant_top1 is unknown.
absl::StatusOr<v1::Package> Convert(const nn::Network& network,
                                    const QatPlan& plan,
                                    const v1::Architecture& architecture,
                                    const v1::DatasetInfo& dataset);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_QAT_H_

// Ranges of activations in training, and the grids they give.
//
// Each quantized tensor has a TensorObserver with a moving average of its
// batches' minimum and maximum; the first batch starts it. Tensors that must
// share a grid (a concat's inputs) join one SharedGrid, which covers the union
// of their ranges; so the order in which they are observed in a step does not
// matter, and a wide tensor is not averaged away by a narrow one.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_OBSERVER_H_
#define FROSTNAS_QUANT_OBSERVER_H_

#include <memory>
#include <vector>

#include "nn/quant_hooks.h"

namespace frostnas::quant {

enum class QatPhase {
  kObserving,   // ranges are observed, nothing is quantized
  kQuantizing,  // fake quantization, ranges still move
  kFrozen,      // fake quantization, ranges stay
};

struct Range {
  float min = 0;
  float max = 0;
};

// When a tensor is fake-quantized.
enum class QuantizeFrom {
  kQuantizing,
  // Only once ranges are frozen. For logits: a loss that sees them clipped to
  // yesterday's range sends no gradient to those that must come down, and the
  // training runs away (docs/training.md).
  kFrozen,
};

class SharedGrid;

class TensorObserver final : public nn::ActivationQuantizer {
 public:
  // `momentum` in (0, 1] is the newest batch's weight. `phase` and `grid` are
  // not owned and must outlive this.
  TensorObserver(float momentum, const QatPhase* phase, SharedGrid* grid,
                 QuantizeFrom from = QuantizeFrom::kQuantizing);

  // A batch whose range is not finite is left out.
  void Observe(float min, float max) override;
  bool observing() const override { return *phase_ != QatPhase::kFrozen; }
  bool quantizing() const override {
    return *phase_ == QatPhase::kFrozen || (*phase_ == QatPhase::kQuantizing &&
                                            from_ == QuantizeFrom::kQuantizing);
  }
  // Of the SharedGrid.
  nn::AffineGrid grid() const override;

  // Whether a range was observed or set.
  bool has_range() const { return has_range_; }
  const Range& range() const { return range_; }
  // Needs range.min <= range.max, both finite.
  void set_range(const Range& range);

 private:
  float momentum_;
  const QatPhase* phase_;
  SharedGrid* grid_;
  QuantizeFrom from_;
  bool has_range_ = false;
  Range range_;
};

class SharedGrid {
 public:
  explicit SharedGrid(int bits) : bits_(bits) {}

  // Whether all its tensors have a range.
  bool complete() const;
  // Covers the ranges there are.
  const nn::AffineGrid& grid() const { return grid_; }

  // For TensorObserver: joins, and tells that a range has changed.
  void Join(const TensorObserver* tensor) { tensors_.push_back(tensor); }
  void Update();

 private:
  int bits_;
  std::vector<const TensorObserver*> tensors_;
  nn::AffineGrid grid_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_OBSERVER_H_

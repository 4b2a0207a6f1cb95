#include "quant/observer.h"

#include <algorithm>
#include <cmath>

#include "quant/grid.h"

namespace frostnas::quant {

TensorObserver::TensorObserver(float momentum, const QatPhase* phase,
                               SharedGrid* grid, QuantizeFrom from)
    : momentum_(momentum), phase_(phase), grid_(grid), from_(from) {
  grid_->Join(this);
}

void TensorObserver::Observe(float min, float max) {
  if (!std::isfinite(min) || !std::isfinite(max)) return;
  if (!has_range_) return set_range({min, max});
  set_range({range_.min + momentum_ * (min - range_.min),
             range_.max + momentum_ * (max - range_.max)});
}

nn::AffineGrid TensorObserver::grid() const { return grid_->grid(); }

void TensorObserver::set_range(const Range& range) {
  has_range_ = true;
  range_ = range;
  grid_->Update();
}

bool SharedGrid::complete() const {
  return std::all_of(
      tensors_.begin(), tensors_.end(),
      [](const TensorObserver* tensor) { return tensor->has_range(); });
}

void SharedGrid::Update() {
  Range all;  // contains 0, as every grid does
  for (const TensorObserver* tensor : tensors_) {
    if (!tensor->has_range()) continue;
    all.min = std::min(all.min, tensor->range().min);
    all.max = std::max(all.max, tensor->range().max);
  }
  grid_ = ChooseGrid(all.min, all.max, bits_);
}

}  // namespace frostnas::quant

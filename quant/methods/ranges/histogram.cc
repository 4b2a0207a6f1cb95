#include "quant/methods/ranges/histogram.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace frostnas::quant {

Histogram::Histogram(const Range& range, int bins)
    : range_(range), counts_(bins) {
  CHECK(bins > 0 && std::isfinite(range.min) && std::isfinite(range.max) &&
        range.min <= range.max);
  bin_width_ = (static_cast<double>(range.max) - range.min) / bins;
}

void Histogram::Add(absl::Span<const float> values) {
  const double scale = bin_width_ > 0 ? 1 / bin_width_ : 0;
  const double last = bins() - 1;
  for (const float value : values) {
    if (value == 0 || std::isnan(value)) {
      ++zeros_;
      continue;
    }
    // Clamped first: an infinity less a range is no integer.
    const double inside = std::clamp(value, range_.min, range_.max);
    const double bin = (inside - range_.min) * scale;
    ++counts_[static_cast<int>(std::min(bin, last))];
  }
  total_ += static_cast<int64_t>(values.size());
}

}  // namespace frostnas::quant

// How the values of a tensor are distributed, for choosing its range.
//
// A histogram has equal bins over a range known before (a first pass over the
// data finds it). Zeros are counted apart: every grid has zero as a point, so
// they carry no error, and after a ReLU they would outweigh all else.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_HISTOGRAM_H_
#define FROSTNAS_QUANT_METHODS_RANGES_HISTOGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "quant/observer.h"

namespace frostnas::quant {

// 16 bins for each of 256 points of a grid.
inline constexpr int kHistogramBins = 4096;

class Histogram {
 public:
  Histogram() : Histogram(Range{}, 1) {}
  // Over [range.min, range.max], both finite, min <= max; bins > 0.
  Histogram(const Range& range, int bins);

  // Values beyond the range count in the outermost bins; NaN counts as zero.
  void Add(absl::Span<const float> values);

  const Range& range() const { return range_; }
  int bins() const { return static_cast<int>(counts_.size()); }
  double bin_width() const { return bin_width_; }
  int64_t count(int bin) const { return counts_[bin]; }
  // Middle of a bin.
  double center(int bin) const { return range_.min + (bin + 0.5) * bin_width_; }
  int64_t zeros() const { return zeros_; }
  // All values added, zeros included.
  int64_t total() const { return total_; }

 private:
  Range range_;
  double bin_width_ = 0;
  std::vector<int64_t> counts_;
  int64_t zeros_ = 0;
  int64_t total_ = 0;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_HISTOGRAM_H_

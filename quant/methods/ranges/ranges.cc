#include "quant/methods/ranges/ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/grid.h"

namespace frostnas::quant {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Clip ratios are hundredths.
constexpr int kCoarseStep = 5;

// The range between which percentiles; zeros lie between bins.
Range PercentileRange(const Histogram& values, double percentile) {
  // Values that may be left out at each end.
  const double tail =
      static_cast<double>(values.total()) * (1 - percentile / 100);
  const double width = values.bin_width();
  Range range = values.range();
  double below = 0;
  for (int b = 0; b < values.bins() && range.min < 0; ++b) {
    below += static_cast<double>(values.count(b));
    if (below > tail) break;
    range.min = std::min(
        0.0f, static_cast<float>(values.range().min + (b + 1) * width));
  }
  double above = 0;
  for (int b = values.bins() - 1; b >= 0 && range.max > 0; --b) {
    above += static_cast<double>(values.count(b));
    if (above > tail) break;
    range.max =
        std::max(0.0f, static_cast<float>(values.range().min + b * width));
  }
  return range;
}

Range Shrink(const Range& range, int low_percent, int high_percent) {
  return {.min = range.min * static_cast<float>(low_percent) / 100,
          .max = range.max * static_cast<float>(high_percent) / 100};
}

// Ratios in hundredths for the two ends of a range.
struct Ratios {
  int low = 100;
  int high = 100;
};

// The best of a grid of ratios around `center`, which wins ties.
Ratios BestRatios(const Histogram& values, int bits, const Ratios& center,
                  int radius, int step) {
  const Range full = values.range();
  const auto error = [&](const Ratios& ratios) {
    const Range range = Shrink(full, ratios.low, ratios.high);
    return MeanSquaredError(values, ChooseGrid(range.min, range.max, bits));
  };
  const auto candidates = [&](int middle, bool clips) {
    std::vector<int> ratios;
    for (int r = middle + radius; clips && r >= middle - radius; r -= step) {
      if (r >= kLeastRatio && r <= 100) ratios.push_back(r);
    }
    return clips ? ratios : std::vector<int>{100};
  };
  Ratios best = center;
  double least = error(center);
  for (const int low : candidates(center.low, full.min < 0)) {
    for (const int high : candidates(center.high, full.max > 0)) {
      const double e = error({low, high});
      if (e < least) {
        least = e;
        best = {low, high};
      }
    }
  }
  return best;
}

Range MseRange(const Histogram& values, int bits) {
  const bool is_signed = values.range().min < 0 && values.range().max > 0;
  Ratios best;
  const int all = 100 - kLeastRatio;
  best = BestRatios(values, bits, best, all, is_signed ? kCoarseStep : 1);
  if (is_signed) best = BestRatios(values, bits, best, kCoarseStep - 1, 1);
  return Shrink(values.range(), best.low, best.high);
}

// Counts of |x| in `bins` equal bins of [0, limit]. A bin of `values` that
// overlaps several is split: counting it in one would leave gaps in others.
std::vector<double> MagnitudeCounts(const Histogram& values, double limit,
                                    int bins) {
  std::vector<double> counts(bins);
  const double to_bins = bins / limit;
  const double half = values.bin_width() / 2;
  for (int b = 0; b < values.bins(); ++b) {
    if (values.count(b) == 0) continue;
    const double middle = std::abs(values.center(b));
    const double begin = std::max(0.0, middle - half) * to_bins;
    const double end = std::min<double>(bins, (middle + half) * to_bins);
    const double density =
        static_cast<double>(values.count(b)) / std::max(end - begin, 1e-12);
    for (int to = std::min(static_cast<int>(begin), bins - 1);
         to < bins && to < end; ++to) {
      counts[to] += density * (std::min<double>(to + 1, end) -
                               std::max<double>(to, begin));
    }
  }
  return counts;
}

Range KlRange(const Histogram& values, int bits) {
  const Range full = values.range();
  const double limit = std::max(std::abs(full.min), std::abs(full.max));
  const bool is_signed = full.min < 0 && full.max > 0;
  // Each sign has about half the grid's points; the bins of a point stay the
  // same.
  const int bins = is_signed ? values.bins() / 2 : values.bins();
  const int levels = 1 << (is_signed ? bits - 1 : bits);
  if (limit == 0 || bins == 0) return full;
  const int kept = KlThreshold(MagnitudeCounts(values, limit, bins), levels);
  const float threshold = static_cast<float>(limit * kept / bins);
  return {.min = std::max(full.min, -threshold),
          .max = std::min(full.max, threshold)};
}

// sum p log(p / q) for the first `size` counts, see KlThreshold.
double Divergence(absl::Span<const double> counts, int size, int levels,
                  double beyond) {
  const auto p = [&](int b) {
    return counts[b] + (b == size - 1 ? beyond : 0);
  };
  double p_sum = beyond, q_sum = 0;
  for (int b = 0; b < size; ++b) q_sum += counts[b];
  p_sum += q_sum;
  double divergence = 0;
  for (int k = 0; k < levels; ++k) {
    const int begin = static_cast<int>(int64_t{k} * size / levels);
    const int end = static_cast<int>(int64_t{k + 1} * size / levels);
    double sum = 0;
    int used = 0;
    for (int b = begin; b < end; ++b) {
      sum += counts[b];
      used += p(b) > 0;
    }
    if (used == 0) continue;
    if (sum == 0) return kInfinity;
    const double q = sum / used / q_sum;
    for (int b = begin; b < end; ++b) {
      const double share = p(b) / p_sum;
      if (share > 0) divergence += share * std::log(share / q);
    }
  }
  return divergence;
}

}  // namespace

double MeanSquaredError(const Histogram& values, const nn::AffineGrid& grid) {
  if (values.total() == 0) return 0;
  double sum = 0;
  for (int b = 0; b < values.bins(); ++b) {
    if (values.count(b) == 0) continue;
    const double center = values.center(b);
    const double error =
        center - Dequantize(Quantize(static_cast<float>(center), grid), grid);
    sum += error * error * static_cast<double>(values.count(b));
  }
  return sum / static_cast<double>(values.total());
}

int KlThreshold(absl::Span<const double> counts, int levels) {
  const int bins = static_cast<int>(counts.size());
  // Mass from each bin on, so that "nothing beyond" is exactly 0.
  std::vector<double> from(bins + 1);
  for (int b = bins - 1; b >= 0; --b) from[b] = from[b + 1] + counts[b];
  if (bins <= levels || from[0] == 0) return bins;
  int best = bins;
  double least = kInfinity;
  for (int size = levels; size <= bins; ++size) {
    if (from[0] == from[size]) continue;  // nothing inside
    const double divergence = Divergence(counts, size, levels, from[size]);
    if (divergence < least) {
      least = divergence;
      best = size;
    }
  }
  return best;
}

absl::StatusOr<Range> ChooseRange(const Histogram& values,
                                  const RangeOptions& options) {
  if (values.total() == 0) {
    return absl::InvalidArgumentError(
        "no values to choose a range from; calibrate on at least one image");
  }
  if (options.bits < 2 || options.bits > 8) {
    return absl::InvalidArgumentError(
        absl::StrCat("bits: ", options.bits, " is not in 2..8"));
  }
  if (!(options.percentile > 50 && options.percentile <= 100)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "percentile: ", options.percentile, " is not in (50, 100]"));
  }
  switch (options.method) {
    case RangeMethod::kMinMax:
      return values.range();
    case RangeMethod::kPercentile:
      return PercentileRange(values, options.percentile);
    case RangeMethod::kMse:
      return MseRange(values, options.bits);
    case RangeMethod::kKl:
      return KlRange(values, options.bits);
  }
  return absl::InternalError("no such range method");
}

}  // namespace frostnas::quant

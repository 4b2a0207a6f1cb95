// Robust statistics of small samples: what latency numbers are made of.
//
// Values are plain doubles in the caller's unit. Arguments are taken by value
// or span and never modified for the caller. Sample sizes up to some thousands
// (the pairwise functions are quadratic). Empty input or unequal lengths are
// bugs of the caller (CHECK). Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_STATISTICS_H_
#define FROSTNAS_LATENCY_STATISTICS_H_

#include <vector>

#include "absl/types/span.h"

namespace frostnas::latency {

// Middle value; the mean of the two middle ones for an even count.
double Median(std::vector<double> values);

// Linear interpolation between order statistics at rank q * (n - 1), q in
// [0, 1] (Hyndman and Fan's definition 7).
double Quantile(std::vector<double> values, double q);

// Median of |x - median(x)|, not scaled to a standard deviation.
double MedianAbsoluteDeviation(std::vector<double> values);

struct Interval {
  double low = 0;
  double high = 0;
  // Probability that the interval holds the median of the distribution the
  // values were drawn from, for independent draws of a continuous one.
  double coverage = 0;
};

// Distribution-free interval of the median between two order statistics
// x_(k) and x_(n+1-k): the largest k whose coverage
// 1 - 2 P(Binomial(n, 1/2) < k) reaches `confidence` in (0, 1). Where no k
// does (n < 6 for 0.95), [min, max], and `coverage` tells what it is worth.
Interval MedianInterval(std::vector<double> values, double confidence);

// Kendall's rank correlation tau-b in [-1, 1], corrected for ties; 0 where one
// side is constant.
double KendallTauB(absl::Span<const double> x, absl::Span<const double> y);

// y = slope * x + intercept.
struct Line {
  double slope = 0;
  double intercept = 0;
};

// Theil-Sen estimator: median of the slopes of all pairs with different x,
// then the median of y - slope * x. Bears up to 29 % outliers. Needs two
// different x (CHECK).
Line TheilSen(absl::Span<const double> x, absl::Span<const double> y);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_STATISTICS_H_

// Bayesian linear regression with few observations of many weights.
//
//   target = row . weights + noise,  weights ~ N(0, 1),  noise_i ~ N(0, sd_i^2)
//
// A row carries the prior's scale of each weight, so that weights are of size
// one and those that the data say nothing about stay 0: the fit falls back on
// whatever the caller's targets are differences to. The posterior is exact;
// its size is that of the observations, not of the weights.
//
// An observation that the others contradict by more than a few of its standard
// deviations counts for less (Huber's weights), so one bad measurement does not
// move the fit.
//
// Immutable, so thread-safe.
#ifndef FROSTNAS_LATENCY_PREDICT_GAUSSIAN_FIT_H_
#define FROSTNAS_LATENCY_PREDICT_GAUSSIAN_FIT_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace frostnas::latency {

// Nonzero entries of a row, by index of the weight; each index once.
struct RowEntry {
  int weight = 0;
  double value = 0;
};
using SparseRow = std::vector<RowEntry>;

struct Observation {
  SparseRow row;
  double target = 0;
  double noise_sd = 0;  // > 0 (CHECK)
};

class GaussianFit {
 public:
  // No observations: the prior itself.
  GaussianFit(std::vector<Observation> observations, int num_weights);

  // Posterior means.
  const std::vector<double>& weights() const { return weights_; }

  double Mean(const SparseRow& row) const;
  // Standard deviation of row . weights (without the noise of a measurement),
  // as the prior and the noise have it, times scale().
  double StandardDeviation(const SparseRow& row) const;

  // How much larger the errors of observations, each predicted from the others,
  // are than prior and noise say; at least 1.
  double scale() const { return scale_; }
  // Of the targets, by prior and noise, but for a constant: larger for noise
  // that suits them.
  double log_likelihood() const { return log_likelihood_; }
  // Factor of a standard deviation for a 95 % interval: Student's, since the
  // scale itself is estimated.
  double interval_factor() const;

  // Of observation i, target - prediction from all others.
  const std::vector<double>& left_out_errors() const {
    return left_out_errors_;
  }

 private:
  // Cholesky factor (lower, row by row) of the observations' covariance.
  void Factorise();
  void Solve();
  void EstimateScale();
  // Covariance of each observation's row with `row`.
  std::vector<double> CovarianceWith(const SparseRow& row) const;

  std::vector<Observation> observations_;
  // As given, or more where the others contradict.
  std::vector<double> noise_sd_;
  std::vector<std::vector<double>> factor_;
  std::vector<double> weights_;
  std::vector<double> left_out_errors_;
  std::vector<double> left_out_sd_;  // as the prior and the given noise say
  double scale_ = 1;
  double log_likelihood_ = 0;
};

// Picks `count` of `rows` one after the other, each the one whose target is
// least known (in units of its noise) once those before it are measured; at
// most all. `first` are taken before. The first n of a longer pick are the pick
// of n.
std::vector<int> PickInformative(absl::Span<const Observation> rows,
                                 std::vector<int> first, int num_weights,
                                 int count);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_GAUSSIAN_FIT_H_

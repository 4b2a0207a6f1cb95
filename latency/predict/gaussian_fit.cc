#include "latency/predict/gaussian_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

// Errors beyond this many standard deviations count as outliers.
constexpr double kHuber = 2.5;
constexpr int kRobustRounds = 4;
// Median of |x| for a standard normal x.
constexpr double kNormalMedian = 0.6745;
// The scale is taken to be 1 with the certainty of this many observations.
constexpr double kPriorObservations = 4;

std::vector<double> Dense(const SparseRow& row, size_t num_weights) {
  std::vector<double> dense(num_weights, 0);
  for (const RowEntry& entry : row) dense.at(entry.weight) = entry.value;
  return dense;
}

double Dot(const SparseRow& row, const std::vector<double>& dense) {
  double sum = 0;
  for (const RowEntry& entry : row) sum += entry.value * dense.at(entry.weight);
  return sum;
}

double SquaredNorm(const SparseRow& row) {
  double sum = 0;
  for (const RowEntry& entry : row) sum += entry.value * entry.value;
  return sum;
}

// Solves L x = b, or L^T x = b.
std::vector<double> SolveLower(const std::vector<std::vector<double>>& lower,
                               std::vector<double> b) {
  for (size_t i = 0; i < b.size(); ++i) {
    for (size_t j = 0; j < i; ++j) b[i] -= lower[i][j] * b[j];
    b[i] /= lower[i][i];
  }
  return b;
}

std::vector<double> SolveUpper(const std::vector<std::vector<double>>& lower,
                               std::vector<double> b) {
  for (size_t i = b.size(); i-- > 0;) {
    for (size_t j = i + 1; j < b.size(); ++j) b[i] -= lower[j][i] * b[j];
    b[i] /= lower[i][i];
  }
  return b;
}

}  // namespace

GaussianFit::GaussianFit(std::vector<Observation> observations, int num_weights)
    : observations_(std::move(observations)), weights_(num_weights, 0) {
  for (const Observation& observation : observations_) {
    CHECK(observation.noise_sd > 0) << "noise of " << observation.noise_sd;
    noise_sd_.push_back(observation.noise_sd);
  }
  if (observations_.empty()) return;
  for (int round = 0; round < kRobustRounds; ++round) {
    Factorise();
    Solve();
    EstimateScale();
    bool changed = false;
    for (size_t i = 0; i < observations_.size(); ++i) {
      const double z =
          std::abs(left_out_errors_[i]) / (scale_ * left_out_sd_[i]);
      const double noise_sd =
          observations_[i].noise_sd * std::max(1.0, z / kHuber);
      changed = changed || noise_sd > 1.01 * noise_sd_[i];
      noise_sd_[i] = noise_sd;
    }
    if (!changed) break;
  }
}

void GaussianFit::Factorise() {
  const size_t n = observations_.size();
  factor_.assign(n, std::vector<double>(n, 0));
  for (size_t i = 0; i < n; ++i) {
    const std::vector<double> row =
        Dense(observations_[i].row, weights_.size());
    for (size_t j = 0; j <= i; ++j) {
      double sum = Dot(observations_[j].row, row);
      if (i == j) sum += noise_sd_[i] * noise_sd_[i];
      for (size_t k = 0; k < j; ++k) sum -= factor_[i][k] * factor_[j][k];
      factor_[i][j] =
          i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / factor_[j][j];
    }
  }
}

// With the inverse covariance C, the left-out error of i is (C t)_i / C_ii and
// its variance 1 / C_ii.
void GaussianFit::Solve() {
  const size_t n = observations_.size();
  std::vector<double> targets;
  for (const Observation& each : observations_) targets.push_back(each.target);
  const std::vector<double> alpha =
      SolveUpper(factor_, SolveLower(factor_, targets));
  log_likelihood_ = 0;
  for (size_t i = 0; i < n; ++i) {
    log_likelihood_ -= 0.5 * targets[i] * alpha[i] + std::log(factor_[i][i]);
  }
  std::fill(weights_.begin(), weights_.end(), 0);
  left_out_errors_.assign(n, 0);
  left_out_sd_.assign(n, 0);
  for (size_t i = 0; i < n; ++i) {
    for (const RowEntry& entry : observations_[i].row) {
      weights_[entry.weight] += entry.value * alpha[i];
    }
    std::vector<double> unit(n, 0);
    unit[i] = 1;
    const std::vector<double> column = SolveLower(factor_, std::move(unit));
    double inverse = 0;
    for (double value : column) inverse += value * value;
    left_out_errors_[i] = alpha[i] / inverse;
    const double given = observations_[i].noise_sd;
    left_out_sd_[i] =
        std::sqrt(std::max(1 / inverse - noise_sd_[i] * noise_sd_[i], 0.0) +
                  given * given);
  }
}

// Outliers, by the median of all, count as what they are cut to.
void GaussianFit::EstimateScale() {
  std::vector<double> sizes;
  for (size_t i = 0; i < observations_.size(); ++i) {
    sizes.push_back(std::abs(left_out_errors_[i]) / left_out_sd_[i]);
  }
  const double n = static_cast<double>(sizes.size());
  const double usual = Median(sizes) / kNormalMedian;
  const double most = kHuber * std::max(1.0, usual);
  double sum = kPriorObservations;
  for (const double size : sizes) {
    sum += std::min(size, most) * std::min(size, most);
  }
  // Errors smaller than expected of a chosen few promise nothing of others.
  scale_ = std::max(1.0, std::sqrt(sum / (kPriorObservations + n)));
}

double GaussianFit::Mean(const SparseRow& row) const {
  return Dot(row, weights_);
}

std::vector<double> GaussianFit::CovarianceWith(const SparseRow& row) const {
  const std::vector<double> dense = Dense(row, weights_.size());
  std::vector<double> covariance;
  for (const Observation& each : observations_) {
    covariance.push_back(Dot(each.row, dense));
  }
  return covariance;
}

double GaussianFit::StandardDeviation(const SparseRow& row) const {
  double variance = SquaredNorm(row);
  for (double known : SolveLower(factor_, CovarianceWith(row))) {
    variance -= known * known;
  }
  return scale_ * std::sqrt(std::max(variance, 0.0));
}

// Cornish and Fisher's expansion of Student's 97.5 % quantile.
double GaussianFit::interval_factor() const {
  const double freedom = kPriorObservations + observations_.size();
  return 1.960 + 2.372 / freedom + 2.823 / (freedom * freedom);
}

std::vector<int> PickInformative(absl::Span<const Observation> rows,
                                 std::vector<int> first, int num_weights,
                                 int count) {
  const size_t n = rows.size();
  count = std::min(count, static_cast<int>(n));
  // Variance of each target over its noise's, given those picked; and the
  // factors that each pick explains of all.
  std::vector<double> variance;
  for (const Observation& each : rows) {
    CHECK(each.noise_sd > 0) << "noise of " << each.noise_sd;
    variance.push_back(SquaredNorm(each.row) / each.noise_sd / each.noise_sd);
  }
  std::vector<std::vector<double>> explained;
  std::vector<bool> taken(n, false);
  std::vector<int> picked;
  while (static_cast<int>(picked.size()) < count) {
    int best = -1;
    if (picked.size() < first.size()) {
      best = first[picked.size()];
    } else {
      for (size_t i = 0; i < n; ++i) {
        if (!taken[i] && (best < 0 || variance[i] > variance[best])) {
          best = static_cast<int>(i);
        }
      }
    }
    taken[best] = true;
    picked.push_back(best);
    const std::vector<double> row = Dense(rows[best].row, num_weights);
    const double sd = std::sqrt(std::max(variance[best], 0.0) + 1);
    std::vector<double> factors(n);
    for (size_t i = 0; i < n; ++i) {
      double sum =
          Dot(rows[i].row, row) / rows[i].noise_sd / rows[best].noise_sd;
      for (const auto& earlier : explained) sum -= earlier[i] * earlier[best];
      factors[i] = sum / sd;
      variance[i] -= factors[i] * factors[i];
    }
    explained.push_back(std::move(factors));
  }
  return picked;
}

}  // namespace frostnas::latency

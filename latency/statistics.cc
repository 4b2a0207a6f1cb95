#include "latency/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace frostnas::latency {
namespace {

double SortedQuantile(const std::vector<double>& sorted, double q) {
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = rank - static_cast<double>(below);
  return sorted[below] + fraction * (sorted[above] - sorted[below]);
}

// P(Binomial(n, 1/2) = i), by logarithms so that large n do not overflow.
double FairBinomial(int n, int i) {
  return std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) -
                  std::lgamma(n - i + 1.0) - n * std::log(2.0));
}

int Sign(double value) { return (value > 0) - (value < 0); }

}  // namespace

double Quantile(std::vector<double> values, double q) {
  CHECK(!values.empty()) << "quantile of no values";
  CHECK(q >= 0 && q <= 1) << "quantile " << q;
  std::sort(values.begin(), values.end());
  return SortedQuantile(values, q);
}

double Median(std::vector<double> values) {
  return Quantile(std::move(values), 0.5);
}

double MedianAbsoluteDeviation(std::vector<double> values) {
  const double center = Median(values);
  for (double& value : values) value = std::abs(value - center);
  return Median(std::move(values));
}

Interval MedianInterval(std::vector<double> values, double confidence) {
  CHECK(!values.empty()) << "interval of no values";
  CHECK(confidence > 0 && confidence < 1) << "confidence " << confidence;
  std::sort(values.begin(), values.end());
  const int n = static_cast<int>(values.size());
  int k = 1;
  double below = FairBinomial(n, 0);  // P(fewer than k values below)
  for (; k + 1 <= n / 2; ++k) {
    const double next = below + FairBinomial(n, k);
    if (1 - 2 * next < confidence) break;
    below = next;
  }
  return {values[k - 1], values[n - k], std::max(0.0, 1 - 2 * below)};
}

double KendallTauB(absl::Span<const double> x, absl::Span<const double> y) {
  CHECK(x.size() == y.size() && !x.empty()) << "unequal or no values";
  double agreement = 0;
  double pairs_x = 0;  // pairs not tied in x
  double pairs_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const int sign_x = Sign(x[i] - x[j]);
      const int sign_y = Sign(y[i] - y[j]);
      agreement += sign_x * sign_y;
      pairs_x += sign_x != 0;
      pairs_y += sign_y != 0;
    }
  }
  if (pairs_x == 0 || pairs_y == 0) return 0;
  return agreement / std::sqrt(pairs_x * pairs_y);
}

Line TheilSen(absl::Span<const double> x, absl::Span<const double> y) {
  CHECK(x.size() == y.size() && x.size() >= 2) << "unequal or too few values";
  std::vector<double> slopes;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (x[i] != x[j]) slopes.push_back((y[i] - y[j]) / (x[i] - x[j]));
    }
  }
  CHECK(!slopes.empty()) << "all x are equal";
  Line line;
  line.slope = Median(std::move(slopes));
  std::vector<double> intercepts(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    intercepts[i] = y[i] - line.slope * x[i];
  }
  line.intercept = Median(std::move(intercepts));
  return line;
}

}  // namespace frostnas::latency

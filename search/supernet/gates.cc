#include "search/supernet/gates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "latency/expected_latency.h"

namespace frostnas::search {

using latency::Softmax;

std::vector<double> GateGradient(absl::Span<const double> p,
                                 absl::Span<const double> diff_gate) {
  const double mean =
      std::inner_product(p.begin(), p.end(), diff_gate.begin(), 0.0);
  std::vector<double> gradient(p.size());
  for (size_t i = 0; i < p.size(); ++i) {
    gradient[i] = p[i] * (diff_gate[i] - mean);
  }
  return gradient;
}

int SampleIndex(absl::Span<const double> p, Random& random) {
  double left = random.Uniform() * std::accumulate(p.begin(), p.end(), 0.0);
  int last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] <= 0) continue;
    last = static_cast<int>(i);
    left -= p[i];
    if (left < 0) break;
  }
  return last;
}

GatePair SampleGatePair(absl::Span<const double> alpha, Random& random) {
  std::vector<double> p = Softmax(alpha);
  GatePair pair;
  pair.active = SampleIndex(p, random);
  p[pair.active] = 0;
  if (std::accumulate(p.begin(), p.end(), 0.0) <= 0) {
    // All others underflowed: take the likeliest of them.
    std::vector<double> rest(alpha.begin(), alpha.end());
    rest[pair.active] = -std::numeric_limits<double>::infinity();
    pair.other = static_cast<int>(std::max_element(rest.begin(), rest.end()) -
                                  rest.begin());
  } else {
    pair.other = SampleIndex(p, random);
  }
  const double logits[] = {alpha[pair.active], alpha[pair.other]};
  const std::vector<double> both = Softmax(logits);
  pair.p_active = both[0];
  pair.p_other = both[1];
  if (random.Uniform() >= pair.p_active) {
    std::swap(pair.active, pair.other);
    std::swap(pair.p_active, pair.p_other);
  }
  return pair;
}

std::vector<double> PairGradient(const GatePair& pair, double diff_active,
                                 double diff_other) {
  const double p[] = {pair.p_active, pair.p_other};
  const double diff[] = {diff_active, diff_other};
  return GateGradient(p, diff);
}

void RescalePair(const GatePair& pair, double old_active, double old_other,
                 absl::Span<double> alpha) {
  const auto log_sum_exp = [](double a, double b) {
    const double largest = std::max(a, b);
    return largest + std::log1p(std::exp(std::min(a, b) - largest));
  };
  double& active = alpha[pair.active];
  double& other = alpha[pair.other];
  const double shift =
      log_sum_exp(active, other) - log_sum_exp(old_active, old_other);
  active -= shift;
  other -= shift;
}

GumbelSample SampleGumbel(absl::Span<const double> alpha, double temperature,
                          int count, Random& random) {
  std::vector<double> perturbed;
  for (double a : alpha) {
    perturbed.push_back(a + random.Gumbel());
  }
  GumbelSample sample;
  sample.indices.resize(alpha.size());
  std::iota(sample.indices.begin(), sample.indices.end(), 0);
  std::stable_sort(sample.indices.begin(), sample.indices.end(),
                   [&](int a, int b) { return perturbed[a] > perturbed[b]; });
  sample.indices.resize(std::min<size_t>(alpha.size(), std::max(count, 1)));
  std::vector<double> kept;
  for (int index : sample.indices) kept.push_back(perturbed[index]);
  sample.weights = Softmax(kept, temperature);
  return sample;
}

std::vector<double> GumbelGradient(const GumbelSample& sample,
                                   double temperature,
                                   absl::Span<const double> diff_weight,
                                   int candidates) {
  std::vector<double> gradient(candidates, 0.0);
  const std::vector<double> kept = GateGradient(sample.weights, diff_weight);
  for (size_t k = 0; k < kept.size(); ++k) {
    gradient[sample.indices[k]] = kept[k] / temperature;
  }
  return gradient;
}

double Entropy(absl::Span<const double> p) {
  double entropy = 0;
  for (double value : p) {
    if (value > 0) entropy -= value * std::log(value);
  }
  return entropy;
}

}  // namespace frostnas::search

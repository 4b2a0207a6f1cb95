#include "latency/expected_latency.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"

namespace frostnas::latency {
namespace {

double Dot(absl::Span<const double> a, absl::Span<const double> b) {
  CHECK(a.size() == b.size()) << a.size() << " and " << b.size() << " values";
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

absl::Status CheckNs(double ns, int slot, int candidate) {
  if (std::isfinite(ns)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("slot ", slot, ", candidate ",
                                                 candidate, ": latency of ", ns,
                                                 " ns is not finite"));
}

}  // namespace

ExpectedLatency::ExpectedLatency(SlotValues candidates_ns, double fixed_ns)
    : candidates_ns_(std::move(candidates_ns)), fixed_ns_(fixed_ns) {}

absl::StatusOr<ExpectedLatency> ExpectedLatency::Create(
    SlotValues candidates_ns, double fixed_ns) {
  for (size_t s = 0; s < candidates_ns.size(); ++s) {
    if (candidates_ns[s].empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("slot ", s, " has no candidates"));
    }
    for (size_t k = 0; k < candidates_ns[s].size(); ++k) {
      RETURN_IF_ERROR(CheckNs(candidates_ns[s][k], s, k));
    }
  }
  if (!std::isfinite(fixed_ns)) {
    return absl::InvalidArgumentError(
        absl::StrCat("fixed part: latency of ", fixed_ns, " ns is not finite"));
  }
  return ExpectedLatency(std::move(candidates_ns), fixed_ns);
}

absl::StatusOr<ExpectedLatency> ExpectedLatency::FromTable(
    const arch::SearchSpace& space, const LatencyTable& table) {
  ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(table));
  SlotValues candidates_ns;
  for (const arch::SearchSlot& slot : space.slots()) {
    std::vector<double>& row = candidates_ns.emplace_back();
    for (const arch::SlotCandidate& candidate : slot.candidates) {
      ASSIGN_OR_RETURN(const double ns, predictor.OpsNs(candidate.graph));
      row.push_back(ns);
    }
  }
  return Create(std::move(candidates_ns), predictor.base_ns());
}

double ExpectedLatency::Value(const SlotValues& p) const {
  CHECK(p.size() == candidates_ns_.size()) << p.size() << " slots";
  double sum_ns = fixed_ns_;
  for (size_t s = 0; s < p.size(); ++s) sum_ns += Dot(p[s], candidates_ns_[s]);
  return sum_ns;
}

SlotValues ExpectedLatency::GradientByProbability() const {
  return candidates_ns_;
}

SlotValues ExpectedLatency::GradientByLogits(const SlotValues& alpha,
                                             double temperature) const {
  CHECK(alpha.size() == candidates_ns_.size()) << alpha.size() << " slots";
  SlotValues gradient(alpha.size());
  for (size_t s = 0; s < alpha.size(); ++s) {
    const std::vector<double>& ns = candidates_ns_[s];
    gradient[s] = Softmax(alpha[s], temperature);
    const double mean_ns = Dot(gradient[s], ns);
    for (size_t k = 0; k < ns.size(); ++k) {
      gradient[s][k] *= (ns[k] - mean_ns) / temperature;
    }
  }
  return gradient;
}

double ExpectedLatency::Point(absl::Span<const int> choice) const {
  CHECK(choice.size() == candidates_ns_.size()) << choice.size() << " slots";
  double sum_ns = fixed_ns_;
  for (size_t s = 0; s < choice.size(); ++s) {
    const std::vector<double>& ns = candidates_ns_[s];
    CHECK(choice[s] >= 0 && choice[s] < static_cast<int>(ns.size()))
        << "candidate " << choice[s] << " of slot " << s;
    sum_ns += ns[choice[s]];
  }
  return sum_ns;
}

double ExpectedLatency::MinNs() const {
  double sum_ns = fixed_ns_;
  for (const auto& slot : candidates_ns_) {
    sum_ns += *std::min_element(slot.begin(), slot.end());
  }
  return sum_ns;
}

double ExpectedLatency::MaxNs() const {
  double sum_ns = fixed_ns_;
  for (const auto& slot : candidates_ns_) {
    sum_ns += *std::max_element(slot.begin(), slot.end());
  }
  return sum_ns;
}

std::vector<double> Softmax(absl::Span<const double> logits,
                            double temperature) {
  CHECK(!logits.empty() && temperature > 0) << "temperature " << temperature;
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p(logits.size());
  double sum = 0;
  for (size_t k = 0; k < p.size(); ++k) {
    p[k] = std::exp((logits[k] - top) / temperature);
    sum += p[k];
  }
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace frostnas::latency

#include "latency/predict/transfer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "latency/predict/gaussian_fit.h"
#include "latency/predict/op_work.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

// Standard deviations before any op was measured, relative to r * t_known.
constexpr double kCommonShare = 0.2, kKindShare = 0.4, kOtherShare = 0.5;
constexpr double kOpShare = 0.1, kMeanOpShare = 0.05;
constexpr double kNoise = 0.02;
// An op of the smallest kind is not more certain than its terms can say.
constexpr double kMostTerms = 10;
// A fit's say in an op's time.
constexpr double kLeastShare = 0.1;

constexpr int kFirstFree = 1;

bool IsMeasured(const LatencyTable& table, const v1::OpKey& op) {
  const v1::OpLatency* entry = table.Find(op);
  return entry != nullptr && entry->samples() > 0;
}

double Ns(const LatencyTable& table, const v1::OpKey& op) {
  return static_cast<double>(table.Find(op)->median_ns());
}

// Rows of ops that the first known table has, in relative terms.
class Rows {
 public:
  static absl::StatusOr<Rows> Create(absl::Span<const LatencyTable> known,
                                     absl::Span<const v1::OpKey> ops) {
    Rows rows(known);
    for (const v1::OpKey& op : ops) {
      if (known[0].Find(op) != nullptr) rows.ops_.push_back(op);
    }
    RETURN_IF_ERROR(rows.Make());
    return rows;
  }

  const std::vector<v1::OpKey>& ops() const { return ops_; }
  const SparseRow& row(size_t i) const { return rows_[i]; }
  int num_weights() const { return num_weights_; }

 private:
  explicit Rows(absl::Span<const LatencyTable> known) : known_(known) {}

  absl::Status Make() {
    std::vector<OpWork> works;
    double mean_ns = 0, mean_activations = 0, mean_weights = 0;
    for (const v1::OpKey& op : ops_) {
      ASSIGN_OR_RETURN(works.emplace_back(), OpWorkOf(op));
      mean_ns += Ns(known_[0], op) / ops_.size();
      mean_activations += works.back().activation_bytes / ops_.size();
      mean_weights += works.back().weight_bytes / ops_.size();
    }
    absl::flat_hash_map<std::string, int> kinds;
    num_weights_ = kFirstFree + static_cast<int>(known_.size()) - 1;
    for (size_t i = 0; i < ops_.size(); ++i) {
      const auto [kind, added] = kinds.emplace(works[i].kind, num_weights_);
      if (added) num_weights_ += 4;
      const double small =
          std::min(kMostTerms, mean_ns / Ns(known_[0], ops_[i]));
      const double activations =
          works[i].activation_bytes / std::max(1.0, mean_activations);
      const double weights =
          works[i].weight_bytes / std::max(1.0, mean_weights);
      SparseRow row = {{0, kCommonShare}};
      AddOthers(ops_[i], row);
      row.push_back({kind->second, kKindShare});
      row.push_back({kind->second + 1, kKindShare * small});
      row.push_back({kind->second + 2,
                     kKindShare * std::min(kMostTerms, small * activations)});
      row.push_back({kind->second + 3,
                     kKindShare * std::min(kMostTerms, small * weights)});
      row.push_back(
          {num_weights_++, std::hypot(kOpShare, kMeanOpShare * small)});
      rows_.push_back(std::move(row));
    }
    return absl::OkStatus();
  }

  // How another device differs from the first one, beyond a common factor.
  void AddOthers(const v1::OpKey& op, SparseRow& row) const {
    for (size_t d = 1; d < known_.size(); ++d) {
      std::vector<double> ratios;
      for (const v1::OpKey& each : ops_) {
        if (known_[d].Find(each) == nullptr) continue;
        ratios.push_back(Ns(known_[d], each) / Ns(known_[0], each));
      }
      if (known_[d].Find(op) == nullptr) continue;
      const double ratio =
          Ns(known_[d], op) / Ns(known_[0], op) / Median(std::move(ratios));
      row.push_back({kFirstFree + static_cast<int>(d) - 1,
                     kOtherShare * std::clamp(ratio - 1, -1.0, kMostTerms)});
    }
  }

  absl::Span<const LatencyTable> known_;
  std::vector<v1::OpKey> ops_;
  std::vector<SparseRow> rows_;
  int num_weights_ = 0;
};

// Over the first known table.
double CommonRatio(const Rows& rows, const LatencyTable& known,
                   const LatencyTable& table) {
  std::vector<double> ratios;
  for (const v1::OpKey& op : rows.ops()) {
    if (IsMeasured(table, op)) ratios.push_back(Ns(table, op) / Ns(known, op));
  }
  return ratios.empty() ? 1 : Median(std::move(ratios));
}

}  // namespace

absl::StatusOr<std::vector<v1::OpLatency>> InferOps(
    absl::Span<const LatencyTable> known, const LatencyTable& table,
    absl::Span<const v1::OpKey> ops) {
  CHECK(!known.empty());
  ASSIGN_OR_RETURN(const Rows rows, Rows::Create(known, ops));
  const double ratio = CommonRatio(rows, known[0], table);
  std::vector<Observation> observations;
  for (size_t i = 0; i < rows.ops().size(); ++i) {
    const v1::OpKey& op = rows.ops()[i];
    if (!IsMeasured(table, op)) continue;
    const double expected_ns = ratio * Ns(known[0], op);
    const double error = table.Find(op)->error_ns() / expected_ns / 2;
    observations.push_back({.row = rows.row(i),
                            .target = Ns(table, op) / expected_ns - 1,
                            .noise_sd = std::hypot(kNoise, error)});
  }
  const GaussianFit fit(std::move(observations), rows.num_weights());
  std::vector<v1::OpLatency> entries;
  for (size_t i = 0; i < rows.ops().size(); ++i) {
    const v1::OpKey& op = rows.ops()[i];
    if (IsMeasured(table, op)) continue;
    const double expected_ns = ratio * Ns(known[0], op);
    const double share = std::max(kLeastShare, 1 + fit.Mean(rows.row(i)));
    const double half = fit.interval_factor() *
                        std::hypot(fit.StandardDeviation(rows.row(i)), kNoise);
    v1::OpLatency& entry = entries.emplace_back();
    *entry.mutable_op() = op;
    entry.set_median_ns(
        std::max<int64_t>(1, std::llround(expected_ns * share)));
    entry.set_error_ns(std::max<int64_t>(1, std::llround(expected_ns * half)));
  }
  return entries;
}

absl::StatusOr<std::vector<v1::OpKey>> PickOps(
    absl::Span<const LatencyTable> known, absl::Span<const v1::OpKey> ops,
    int count) {
  CHECK(!known.empty());
  ASSIGN_OR_RETURN(const Rows rows, Rows::Create(known, ops));
  std::vector<v1::OpKey> picked = known[0].Missing(ops);
  std::vector<Observation> candidates;
  for (size_t i = 0; i < rows.ops().size(); ++i) {
    // What is left of an op that no other tells is no reason to pick it.
    SparseRow row = rows.row(i);
    const double own = row.back().value;
    row.pop_back();
    candidates.push_back(
        {.row = std::move(row), .noise_sd = std::hypot(own, kNoise)});
  }
  for (const int i :
       PickInformative(candidates, {}, rows.num_weights(), count)) {
    picked.push_back(rows.ops()[i]);
  }
  return picked;
}

}  // namespace frostnas::latency

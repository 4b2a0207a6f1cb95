#include "latency/predict/predictor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "base/status_macros.h"
#include "latency/predict/op_work.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

// What is believed before any network was measured: standard deviations.
// Results do not hang on them; half or double gives the same within noise.
//
// Of a kind's bias, as a share of a mean op's time for each of the four terms.
constexpr double kKindShare = 0.3;
// Of the bias of all ops together, and of the base over an average network.
constexpr double kCommonShare = 0.3;
constexpr double kBaseShare = 0.2;
// Of a single op: a share of its time and of a mean op's, since the small ones
// are off by a constant.
constexpr double kOpShare = 0.1;
constexpr double kMeanOpShare = 0.07;
// Of a network, what no sum of ops can say: where its memory came to lie. The
// likeliest of these; the first until some networks tell.
constexpr double kNetworkNoises[] = {0.01, 0.02, 0.04, 0.08};
constexpr double kUsualNoise = 0.01;
constexpr size_t kTellNoise = 6;
// Left-out errors beyond this many medians count as that.
constexpr double kOutlier = 4;
constexpr double kConfidence = 0.95;
// Half a 95 % interval in standard deviations.
constexpr double kHalfInterval = 1.96;

enum Term { kTime, kCall, kActivations, kWeights, kTerms };

// Weight 0 is the base's, 1 the common bias.
constexpr int kBaseWeight = 0, kCommonWeight = 1, kFirstFree = 2;

struct Means {
  double ns = 0, activation_bytes = 0, weight_bytes = 0;
};

double Share(double value, double mean) { return mean > 0 ? value / mean : 0; }

std::vector<v1::OpKey> OpsOf(const arch::Graph& graph) {
  std::vector<v1::OpKey> ops;
  for (const arch::Layer& layer : graph.layers) {
    if (auto op = arch::OpKeyOf(layer)) ops.push_back(*std::move(op));
  }
  return ops;
}

// By how much networks are slower than the sums of their ops: the median, or
// what an older build fitted.
absl::StatusOr<double> CommonScale(const LatencyTable& table) {
  std::vector<double> ratios;
  for (const v1::NetworkLatency& network : table.calibration().measured()) {
    if (network.held_out()) continue;
    double sum_ns = 0;
    for (const int op : network.ops()) {
      ASSIGN_OR_RETURN(const v1::OpLatency* entry,
                       table.Get(table.calibration().ops(op)));
      sum_ns += static_cast<double>(entry->median_ns());
    }
    ratios.push_back(network.median_ns() / sum_ns);
  }
  return ratios.empty() ? table.calibration().slope() : Median(ratios);
}

}  // namespace

std::vector<v1::OpKey> OpsOf(const v1::Calibration& calibration,
                             const v1::NetworkLatency& network) {
  std::vector<v1::OpKey> ops;
  for (const int op : network.ops()) ops.push_back(calibration.ops(op));
  return ops;
}

absl::StatusOr<Predictor> Predictor::Create(const LatencyTable& table) {
  Predictor predictor;
  predictor.device_id_ = table.device().id();
  predictor.prior_base_ns_ = table.calibration().intercept_ns();
  ASSIGN_OR_RETURN(const double scale, CommonScale(table));
  RETURN_IF_ERROR(predictor.AddOps(table, scale));
  RETURN_IF_ERROR(predictor.Fit(table.calibration()));
  return predictor;
}

absl::Status Predictor::AddOps(const LatencyTable& table, double scale) {
  const v1::LatencyTable proto = table.ToProto();
  std::vector<OpWork> works;
  Means mean;
  for (const v1::OpLatency& op : proto.ops()) {
    ASSIGN_OR_RETURN(works.emplace_back(), OpWorkOf(op.op()));
    mean.ns += scale * op.median_ns() / proto.ops_size();
    mean.activation_bytes += works.back().activation_bytes / proto.ops_size();
    mean.weight_bytes += works.back().weight_bytes / proto.ops_size();
  }
  absl::flat_hash_map<std::string, int> kinds;
  num_weights_ = kFirstFree;
  for (int i = 0; i < proto.ops_size(); ++i) {
    const auto [kind, added] = kinds.emplace(works[i].kind, num_weights_);
    if (added) num_weights_ += kTerms;
    const double ns = scale * proto.ops(i).median_ns();
    const double share_ns = kKindShare * mean.ns;
    const double activations =
        Share(works[i].activation_bytes, mean.activation_bytes);
    const double weights = Share(works[i].weight_bytes, mean.weight_bytes);
    Op op{.prior_ns = ns};
    op.row = {{kCommonWeight, kCommonShare * ns},
              {kind->second + kTime, kKindShare * ns},
              {kind->second + kCall, share_ns},
              {kind->second + kActivations, share_ns * activations},
              {kind->second + kWeights, share_ns * weights}};
    const double own_sd =
        std::hypot(kOpShare * ns, kMeanOpShare * mean.ns,
                   scale * proto.ops(i).error_ns() / kHalfInterval);
    op.row.push_back({num_weights_++, own_sd});
    ops_.emplace(arch::OpKeyText(proto.ops(i).op()), std::move(op));
  }
  return absl::OkStatus();
}

absl::StatusOr<const Predictor::Op*> Predictor::Find(
    const v1::OpKey& op) const {
  const std::string name = arch::OpKeyText(op);
  const auto found = ops_.find(name);
  if (found != ops_.end()) return &found->second;
  return absl::NotFoundError(
      absl::StrCat("the latency table of ", device_id_, " lacks ", name,
                   "; profile the space on the device to add it"));
}

// The target is what is believed before the fit.
absl::StatusOr<Observation> Predictor::Observe(
    absl::Span<const v1::OpKey> ops) const {
  Observation observation;
  std::vector<double> dense(num_weights_, 0);
  dense[kBaseWeight] = base_sd_ns_;
  double sum_ns = 0;
  for (const v1::OpKey& key : ops) {
    ASSIGN_OR_RETURN(const Op* op, Find(key));
    sum_ns += op->prior_ns;
    for (const RowEntry& entry : op->row) dense[entry.weight] += entry.value;
  }
  for (int i = 0; i < num_weights_; ++i) {
    if (dense[i] != 0) observation.row.push_back({i, dense[i]});
  }
  observation.target = prior_base_ns_ + sum_ns;
  observation.noise_sd = std::max(1.0, kUsualNoise * observation.target);
  return observation;
}

absl::Status Predictor::Fit(const v1::Calibration& calibration) {
  std::vector<const v1::NetworkLatency*> networks;
  std::vector<Observation> observations;
  double mean_ns = 0;
  for (const v1::NetworkLatency& network : calibration.measured()) {
    if (network.held_out()) continue;
    networks.push_back(&network);
    mean_ns += static_cast<double>(network.median_ns());
  }
  if (!networks.empty()) base_sd_ns_ = kBaseShare * mean_ns / networks.size();
  for (const v1::NetworkLatency* network : networks) {
    ASSIGN_OR_RETURN(Observation observation,
                     Observe(OpsOf(calibration, *network)));
    observation.target =
        static_cast<double>(network->median_ns()) - observation.target;
    observations.push_back(std::move(observation));
  }
  for (const double noise : kNetworkNoises) {
    if (networks.size() < kTellNoise && noise != kUsualNoise) continue;
    for (size_t i = 0; i < networks.size(); ++i) {
      observations[i].noise_sd =
          std::max(1.0, std::hypot(noise * networks[i]->median_ns(),
                                   networks[i]->error_ns() / kHalfInterval));
    }
    GaussianFit fit(observations, num_weights_);
    if (fit_ && fit_->log_likelihood() >= fit.log_likelihood()) continue;
    fit_ = std::move(fit);
    network_noise_ = noise;
  }
  base_ns_ = prior_base_ns_ + fit_->weights()[kBaseWeight] * base_sd_ns_;
  for (auto& [name, op] : ops_) {
    op.ns = op.prior_ns + fit_->Mean(op.row);
  }
  if (networks.size() < 2) return absl::OkStatus();
  std::vector<double> errors;
  double sum = 0;
  for (size_t i = 0; i < networks.size(); ++i) {
    errors.push_back(std::abs(fit_->left_out_errors()[i]) /
                     networks[i]->median_ns());
    sum += errors.back();
  }
  left_out_mape_ = sum / networks.size();
  const double most = kOutlier * Median(errors);
  std::sort(errors.begin(), errors.end());
  const size_t rank = static_cast<size_t>(
      std::ceil(kConfidence * static_cast<double>(errors.size() + 1)));
  left_out_bound_ = std::min(most, errors[std::min(rank, errors.size()) - 1]);
  return absl::OkStatus();
}

absl::StatusOr<double> Predictor::OpsNs(const arch::Graph& graph) const {
  double sum_ns = 0;
  for (const v1::OpKey& key : OpsOf(graph)) {
    ASSIGN_OR_RETURN(const Op* op, Find(key));
    sum_ns += op->ns;
  }
  return sum_ns;
}

absl::StatusOr<Prediction> Predictor::Predict(const arch::Graph& graph) const {
  return Predict(OpsOf(graph));
}

absl::StatusOr<Prediction> Predictor::Predict(
    absl::Span<const v1::OpKey> ops) const {
  ASSIGN_OR_RETURN(const Observation observation, Observe(ops));
  double ns = base_ns_;
  for (const v1::OpKey& key : ops) {
    ASSIGN_OR_RETURN(const Op* op, Find(key));
    ns += op->ns;
  }
  ns = std::max(1.0, ns);
  const double expected_ns =
      fit_->interval_factor() *
      std::hypot(fit_->StandardDeviation(observation.row),
                 fit_->scale() * network_noise_ * ns);
  // A model that is surer of itself than its left-out networks are is wrong.
  const double half_ns = std::max(expected_ns, left_out_bound_ * ns);
  return Prediction{
      .ns = ns, .low_ns = std::max(1.0, ns - half_ns), .high_ns = ns + half_ns};
}

absl::StatusOr<std::vector<int>> Predictor::PickNetworks(
    absl::Span<const arch::Graph> pool, std::vector<int> first,
    int count) const {
  std::vector<Observation> rows;
  for (const arch::Graph& graph : pool) {
    ASSIGN_OR_RETURN(rows.emplace_back(), Observe(OpsOf(graph)));
  }
  return PickInformative(rows, std::move(first), num_weights_, count);
}

}  // namespace frostnas::latency

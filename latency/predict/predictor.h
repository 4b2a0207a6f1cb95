// Start here: from a latency table to the latency of any network of its ops.
//
// Ops measured alone have warm caches and pay for a call each, by kind of op
// more or less; so a network takes
//
//   base + sum over its ops of  (1 + a[kind]) * t + b[kind]
//                             + c[kind] * activation bytes
//                             + d[kind] * weight bytes + e[op]
//
// with t the op's time in the table, times the median ratio of networks to the
// sums of their ops. base, a to e are fitted on the table's
// whole networks, as far as those tell them from 0: with three networks mostly
// the common bias is seen, with fifty the share of each kind, with more that of
// single ops (gaussian_fit.h). A table without networks gives the plain sum, or
// the line of an older build.
//
// What an op adds to a network does not depend on the other ops, so predictions
// are linear in the choice of ops and ExpectedLatency, which is made of them,
// stays exact.
//
//   ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(table));
//   ASSIGN_OR_RETURN(const Prediction p, predictor.Predict(graph));
//
// NOT_FOUND: an op that the table lacks, naming it and the remedy.
// Immutable, so thread-safe; does not need the table once it is made.
#ifndef FROSTNAS_LATENCY_PREDICT_PREDICTOR_H_
#define FROSTNAS_LATENCY_PREDICT_PREDICTOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "latency/latency_table.h"
#include "latency/predict/gaussian_fit.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Nanoseconds; low and high bound what a measurement would give with 95 %
// probability, and are no closer to zero than 1.
struct Prediction {
  double ns = 0;
  double low_ns = 0;
  double high_ns = 0;
};

class Predictor {
 public:
  static absl::StatusOr<Predictor> Create(const LatencyTable& table);

  absl::StatusOr<Prediction> Predict(const arch::Graph& graph) const;
  // The same for a network that the table has measured, held out or not.
  absl::StatusOr<Prediction> Predict(absl::Span<const v1::OpKey> ops) const;

  // What every network has, and what the ops of `graph` add; a small op may
  // come out below 0. A network's prediction is their sum, at least 1.
  double base_ns() const { return base_ns_; }
  absl::StatusOr<double> OpsNs(const arch::Graph& graph) const;

  // Mean absolute relative error of the calibration's networks, each predicted
  // from the others; nullopt where there are fewer than two.
  std::optional<double> left_out_mape() const { return left_out_mape_; }

  // The `count` networks of `pool` that tell most about all, those of `first`
  // before the others; indices into `pool`. Every op must be in the table.
  absl::StatusOr<std::vector<int>> PickNetworks(
      absl::Span<const arch::Graph> pool, std::vector<int> first,
      int count) const;

 private:
  // The table's op in the terms of the fit.
  struct Op {
    double prior_ns = 0;  // in a network, before the fit
    SparseRow row;
    double ns = 0;  // after it
  };

  Predictor() = default;
  absl::Status AddOps(const LatencyTable& table, double scale);
  absl::Status Fit(const v1::Calibration& calibration);
  absl::StatusOr<const Op*> Find(const v1::OpKey& op) const;
  // Sum of the ops before the fit, with its terms: the base's among them.
  absl::StatusOr<Observation> Observe(absl::Span<const v1::OpKey> ops) const;

  std::string device_id_;
  double prior_base_ns_ = 0;
  // Scale of the base's weight.
  double base_sd_ns_ = 0;
  int num_weights_ = 1;
  absl::flat_hash_map<std::string, Op> ops_;  // by arch::OpKeyText
  std::optional<GaussianFit> fit_;
  double network_noise_ = 0;  // a share
  double base_ns_ = 0;
  std::optional<double> left_out_mape_;
  // That many of the left-out errors are within this, a share (split conformal
  // prediction's quantile); outliers cut.
  double left_out_bound_ = 0;
};

// The ops of one of the calibration's networks, in order.
std::vector<v1::OpKey> OpsOf(const v1::Calibration& calibration,
                             const v1::NetworkLatency& network);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_PREDICTOR_H_

// Networks of a space that are measured to fit and to judge predictions.
//
// Errors: of the space, of arch and of the predictor. Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_PREDICT_SPACE_NETWORKS_H_
#define FROSTNAS_LATENCY_PREDICT_SPACE_NETWORKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "latency/latency_table.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::latency {

struct SpaceNetwork {
  v1::Choice choice;
  v1::Architecture architecture;
  arch::Graph graph;
  std::string arch_sha256;
};

absl::StatusOr<SpaceNetwork> NetworkOf(const arch::SearchSpace& space,
                                       const v1::Choice& choice);

// An INT8 package with random weights: latency does not depend on them.
v1::Package RandomPackage(const SpaceNetwork& network, uint64_t seed);

// What a table keeps of the network's measurement.
MeasuredNetwork MeasuredNetworkOf(const SpaceNetwork& network,
                                  const v1::Measurement& measurement,
                                  bool held_out);

// Those that the table has measured, held out or for fits, in its order.
absl::StatusOr<std::vector<SpaceNetwork>> MeasuredNetworks(
    const arch::SearchSpace& space, const LatencyTable& table, bool held_out);

// The networks to measure so that the table has `count` of the space for fits:
// those with the cheapest and with the dearest candidate of every slot, and of
// some hundred random ones those that tell most beside the others. None of them
// is in the table. For one seed, those picked for a smaller count come first.
absl::StatusOr<std::vector<SpaceNetwork>> PickForFit(
    const arch::SearchSpace& space, const LatencyTable& table, int count,
    uint64_t seed);

// Random networks to measure so that the table has `count` of the space held
// out. None of them is in the table or among `for_fit`; fewer where the space
// has no more.
absl::StatusOr<std::vector<SpaceNetwork>> PickToHoldOut(
    const arch::SearchSpace& space, const LatencyTable& table, int count,
    uint64_t seed, absl::Span<const SpaceNetwork> for_fit = {});

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_SPACE_NETWORKS_H_

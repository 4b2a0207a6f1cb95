#include "latency/predict/space_networks.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "arch/digest.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {
namespace {

// Networks to pick from, those measured before among them.
constexpr int kPool = 400;

// Draws networks that differ from each other and from those excluded.
class Sampler {
 public:
  Sampler(const arch::SearchSpace& space, Random random)
      : space_(space), random_(random) {}

  void Exclude(absl::string_view arch_sha256) { seen_.emplace(arch_sha256); }

  // Appends it unless it was seen.
  absl::Status Add(const v1::Choice& choice,
                   std::vector<SpaceNetwork>& networks) {
    ASSIGN_OR_RETURN(SpaceNetwork network, NetworkOf(space_, choice));
    if (seen_.insert(network.arch_sha256).second) {
      networks.push_back(std::move(network));
    }
    return absl::OkStatus();
  }

  // Random ones until there are `count`, or a small space has no more.
  absl::Status Fill(size_t count, std::vector<SpaceNetwork>& networks) {
    for (size_t tries = 0; networks.size() < count && tries < 10 * count;
         ++tries) {
      RETURN_IF_ERROR(Add(space_.RandomChoice(random_), networks));
    }
    return absl::OkStatus();
  }

 private:
  const arch::SearchSpace& space_;
  Random random_;
  absl::flat_hash_set<std::string> seen_;
};

struct Extremes {
  v1::Choice cheapest, dearest;
};

absl::StatusOr<Extremes> ExtremesOf(const arch::SearchSpace& space,
                                    const Predictor& predictor) {
  Extremes extremes;
  for (const arch::SearchSlot& slot : space.slots()) {
    int low = 0, high = 0;
    std::vector<double> ns;
    for (const arch::SlotCandidate& candidate : slot.candidates) {
      ASSIGN_OR_RETURN(ns.emplace_back(), predictor.OpsNs(candidate.graph));
      const int k = static_cast<int>(ns.size()) - 1;
      if (ns[k] < ns[low]) low = k;
      if (ns[k] > ns[high]) high = k;
    }
    extremes.cheapest.add_candidate(low);
    extremes.dearest.add_candidate(high);
  }
  return extremes;
}

}  // namespace

absl::StatusOr<SpaceNetwork> NetworkOf(const arch::SearchSpace& space,
                                       const v1::Choice& choice) {
  SpaceNetwork network;
  network.choice = choice;
  ASSIGN_OR_RETURN(network.architecture, space.ArchitectureOf(choice));
  ASSIGN_OR_RETURN(network.graph,
                   arch::ExpandArchitecture(network.architecture));
  network.arch_sha256 = arch::GraphDigest(network.graph);
  return network;
}

v1::Package RandomPackage(const SpaceNetwork& network, uint64_t seed) {
  quant::QuantizedGraph quantized =
      quant::RandomQuantizedGraph(network.graph, seed);
  v1::Package package;
  package.set_format_version(1);
  *package.mutable_architecture() = network.architecture;
  for (int c = 0; c < network.graph.input.channels; ++c) {
    package.mutable_input()->add_mean(0.5f);
    package.mutable_input()->add_stddev(0.25f);
  }
  *package.mutable_input()->mutable_grid() = quantized.input;
  for (v1::PackageLayer& layer : quantized.layers) {
    *package.add_layers() = std::move(layer);
  }
  package.set_fake_quant_top1(-1);
  return package;
}

MeasuredNetwork MeasuredNetworkOf(const SpaceNetwork& network,
                                  const v1::Measurement& measurement,
                                  bool held_out) {
  return {.graph = network.graph,
          .median_ns = measurement.median_ns(),
          .error_ns = (measurement.ci_high_ns() - measurement.ci_low_ns()) / 2,
          .samples = measurement.samples(),
          .held_out = held_out,
          .choice = network.choice};
}

absl::StatusOr<std::vector<SpaceNetwork>> MeasuredNetworks(
    const arch::SearchSpace& space, const LatencyTable& table, bool held_out) {
  std::vector<SpaceNetwork> networks;
  for (const auto& measured : table.calibration().measured()) {
    if (measured.held_out() != held_out) continue;
    v1::Choice choice;
    *choice.mutable_candidate() = measured.candidate();
    // Of another space, or of another width or size of this one.
    auto network = NetworkOf(space, choice);
    if (!network.ok() || network->arch_sha256 != measured.arch_sha256()) {
      continue;
    }
    networks.push_back(*std::move(network));
  }
  return networks;
}

absl::StatusOr<std::vector<SpaceNetwork>> PickForFit(
    const arch::SearchSpace& space, const LatencyTable& table, int count,
    uint64_t seed) {
  ASSIGN_OR_RETURN(const std::vector<SpaceNetwork> measured,
                   MeasuredNetworks(space, table, /*held_out=*/false));
  std::vector<SpaceNetwork> networks;
  const int missing = count - static_cast<int>(measured.size());
  if (missing <= 0) return networks;
  // By the ops alone, and whatever was measured, so that the choice is the same
  // before and after some of its networks are.
  LatencyTable ops = table;
  v1::Calibration none;
  none.set_slope(1);
  RETURN_IF_ERROR(ops.set_calibration(none));
  ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(ops));
  ASSIGN_OR_RETURN(const Extremes extremes, ExtremesOf(space, predictor));
  Sampler sampler(space, Random(seed).Split("calibration"));
  std::vector<SpaceNetwork> pool;
  RETURN_IF_ERROR(sampler.Add(extremes.cheapest, pool));
  RETURN_IF_ERROR(sampler.Add(extremes.dearest, pool));
  std::vector<int> first(pool.size());
  std::iota(first.begin(), first.end(), 0);
  const int enough = count + table.calibration().measured_size();
  RETURN_IF_ERROR(sampler.Fill(std::max(kPool, enough), pool));
  std::vector<arch::Graph> graphs;
  for (const SpaceNetwork& network : pool) graphs.push_back(network.graph);
  ASSIGN_OR_RETURN(const std::vector<int> picked,
                   predictor.PickNetworks(graphs, std::move(first), enough));
  for (const int i : picked) {
    if (static_cast<int>(networks.size()) == missing) break;
    if (table.FindNetwork(pool[i].arch_sha256) == nullptr) {
      networks.push_back(pool[i]);
    }
  }
  return networks;
}

absl::StatusOr<std::vector<SpaceNetwork>> PickToHoldOut(
    const arch::SearchSpace& space, const LatencyTable& table, int count,
    uint64_t seed, absl::Span<const SpaceNetwork> for_fit) {
  ASSIGN_OR_RETURN(const std::vector<SpaceNetwork> measured,
                   MeasuredNetworks(space, table, /*held_out=*/true));
  std::vector<SpaceNetwork> networks;
  const int missing = count - static_cast<int>(measured.size());
  if (missing <= 0) return networks;
  Sampler sampler(space, Random(seed).Split("held out"));
  for (const auto& network : table.calibration().measured()) {
    sampler.Exclude(network.arch_sha256());
  }
  for (const SpaceNetwork& network : for_fit) {
    sampler.Exclude(network.arch_sha256);
  }
  RETURN_IF_ERROR(sampler.Fill(missing, networks));
  return networks;
}

}  // namespace frostnas::latency

#include "search/supernet/supernet_search.h"

#include <set>
#include <string>
#include <vector>

#include "arch/digest.h"
#include "arch/op_key.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/expected_latency.h"
#include "latency/latency_table.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "search/supernet/testing/tiny_search.h"

namespace frostnas::search {
namespace {

using ::testing::HasSubstr;

// An operator's latency grows with its channels and its kernel.
latency::LatencyTable TinyTable(const arch::SearchSpace& space) {
  v1::Device device;
  device.set_id("host");
  device.set_fingerprint(std::string(64, 'a'));
  device.set_runtime("test");
  latency::LatencyTable table(device, 1, 1);
  for (const v1::OpKey& op : arch::DistinctOps(space)) {
    v1::OpLatency entry;
    *entry.mutable_op() = op;
    entry.set_median_ns(1000 + 10 * op.in_channels() * (op.kernel() + 1));
    entry.set_samples(1);
    EXPECT_OK(table.Add(entry));
  }
  return table;
}

class SupernetSearchTest : public ::testing::TestWithParam<v1::Strategy> {
 protected:
  SupernetSearchTest()
      : one_thread_(1),
        space_(TinySpace()),
        dataset_(TinyDataset()),
        tables_({TinyTable(space_)}) {
    *spec_.mutable_space() = space_.spec();
    spec_.add_devices("host");
    spec_.set_strategy(GetParam());
    spec_.set_seed(3);
    v1::Budget& budget = *spec_.mutable_budget();
    budget.set_float_epochs(1);
    budget.set_search_epochs(1);
    budget.set_batch(16);
  }

  absl::StatusOr<std::unique_ptr<SearchPhase>> Make() {
    return MakeSupernetSearch(
        {.spec = spec_, .dataset = *dataset_, .tables = tables_});
  }

  static void Train(SearchPhase& search) {
    while (search.epochs_done() < search.epochs()) {
      ASSERT_OK(search.RunEpoch(StopToken(), [](double) {}));
    }
  }

  nn::ScopedComputeThreads one_thread_;
  const arch::SearchSpace space_;
  const std::unique_ptr<const nn::Dataset> dataset_;
  const std::vector<latency::LatencyTable> tables_;
  v1::StudySpec spec_;
};

TEST_P(SupernetSearchTest, ProposesDifferentNetworksWithTheirWeights) {
  ASSERT_OK_AND_ASSIGN(auto search, Make());
  Train(*search);
  double progress = 0;
  ASSERT_OK_AND_ASSIGN(const auto proposals,
                       search->Propose(5, StopToken(), [&](double share) {
                         EXPECT_GE(share, progress);
                         EXPECT_LE(share, 1);
                         progress = share;
                       }));
  EXPECT_EQ(proposals.size(), 5);
  std::set<std::string> digests;
  for (const Proposal& proposal : proposals) {
    const v1::Architecture& architecture = proposal.weights.architecture();
    EXPECT_EQ(space_.ArchitectureOf(proposal.choice)->SerializeAsString(),
              architecture.SerializeAsString());
    digests.insert(arch::ArchitectureDigest(architecture).value());
    ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                         arch::ExpandArchitecture(architecture));
    ASSERT_OK_AND_ASSIGN(auto network, nn::Network::Create(graph, {}));
    EXPECT_OK(network->Load(proposal.weights, true));
  }
  EXPECT_EQ(digests.size(), proposals.size());
}

TEST_P(SupernetSearchTest, ProposesTheSameAfterARestore) {
  ASSERT_OK_AND_ASSIGN(auto straight, Make());
  Train(*straight);
  ASSERT_OK_AND_ASSIGN(auto restored, Make());
  ASSERT_OK(restored->LoadState(straight->SaveState()));
  const auto propose = [](SearchPhase& search) {
    return search.Propose(4, StopToken(), [](double) {}).value();
  };
  const auto first = propose(*straight);
  const auto second = propose(*restored);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].choice.SerializeAsString(),
              second[i].choice.SerializeAsString());
    EXPECT_TRUE(first[i].weights.SerializeAsString() ==
                second[i].weights.SerializeAsString());
  }
}

TEST_P(SupernetSearchTest, KeepsAUsersLimit) {
  const auto latency =
      latency::ExpectedLatency::FromTable(space_, tables_[0]).value();
  const double limit_ns =
      latency.MinNs() + 0.3 * (latency.MaxNs() - latency.MinNs());
  v1::LatencyLimit& limit = *spec_.add_latency_limits();
  limit.set_device_id("host");
  limit.set_limit_ns(static_cast<int64_t>(limit_ns));
  ASSERT_OK_AND_ASSIGN(auto search, Make());
  Train(*search);
  ASSERT_OK_AND_ASSIGN(const auto proposals,
                       search->Propose(4, StopToken(), [](double) {}));
  ASSERT_FALSE(proposals.empty());
  for (const Proposal& proposal : proposals) {
    const auto& candidate = proposal.choice.candidate();
    EXPECT_LE(
        latency.Point(std::vector<int>(candidate.begin(), candidate.end())),
        limit_ns);
  }
}

TEST_P(SupernetSearchTest, RefusesALimitThatNothingMeets) {
  v1::LatencyLimit& limit = *spec_.add_latency_limits();
  limit.set_device_id("host");
  limit.set_limit_ns(1);
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("cheapest architecture")));
}

TEST_P(SupernetSearchTest, StopsWhenAsked) {
  ASSERT_OK_AND_ASSIGN(auto search, Make());
  StopSource source;
  source.RequestStop();
  EXPECT_THAT(search->RunEpoch(source.token(), [](double) {}),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(search->Propose(2, source.token(), [](double) {}),
              StatusIs(absl::StatusCode::kCancelled));
}

// One strategy with architecture steps, one without; the strategies have their
// own suite.
INSTANTIATE_TEST_SUITE_P(All, SupernetSearchTest,
                         ::testing::Values(v1::STRATEGY_PROXYLESS,
                                           v1::STRATEGY_EVOLUTION),
                         [](const auto& info) {
                           return v1::Strategy_Name(info.param);
                         });

}  // namespace
}  // namespace frostnas::search

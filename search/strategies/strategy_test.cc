#include "search/strategies/strategy.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "search/strategies/create_strategy.h"
#include "search/strategies/derivation.h"

namespace frostnas::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kSlots = 6;

// Six slots of four candidates that cost 0, 1, 2 and 3 ms over 4 ms for the
// rest. Accuracy is arithmetic: candidate 2 is as good as it gets, so 3 is
// never worth its latency. Candidates 0 of slots 0 and 1 skip: skipping either
// gives the same network.
class FakeOracle : public Oracle {
 public:
  FakeOracle()
      : latency_(latency::ExpectedLatency::Create(
                     latency::SlotValues(kSlots, {0, 1e6, 2e6, 3e6}), 4e6)
                     .value()) {}

  const latency::ExpectedLatency& latency() const override { return latency_; }
  absl::StatusOr<std::string> Digest(absl::Span<const int> path) override {
    std::vector<int> network(path.begin(), path.end());
    if (network[0] == 0) std::swap(network[0], network[1]);
    return absl::StrJoin(network, ",");
  }
  absl::StatusOr<bool> KeepsLimits(absl::Span<const int> path) override {
    return path[5] != forbidden_;
  }
  absl::StatusOr<double> Top1(absl::Span<const int> path) override {
    ++evaluations_;
    if (evaluations_ == cancelled_at_) return absl::CancelledError("stopped");
    double top1 = 0.3;
    for (int candidate : path) top1 += 0.05 * std::min(candidate, 2);
    return top1;
  }
  latency::SlotValues Logits() const override {
    return latency::SlotValues(kSlots, {0, 0, 0, 0});
  }
  absl::StatusOr<latency::SlotValues> LogitsForLimit(double) override {
    return latency::SlotValues(kSlots, {0, 1, 2, 1.9});
  }

  void Forbid(int candidate) { forbidden_ = candidate; }
  void CancelAt(int evaluation) { cancelled_at_ = evaluation; }
  int evaluations() const { return evaluations_; }

 private:
  latency::ExpectedLatency latency_;
  int evaluations_ = 0;
  int forbidden_ = -1;
  int cancelled_at_ = -1;
};

ProposalRequest Request(const FakeOracle& oracle) {
  ProposalRequest request;
  request.limits_ns = SpreadLimits(oracle.latency(), 5, 0);
  request.wanted = 8;
  request.evaluations = 40;
  request.random = Random(7);
  return request;
}

// What every strategy promises.
class StrategyTest : public ::testing::TestWithParam<v1::Strategy> {
 protected:
  std::vector<ProposedPath> Propose(const ProposalRequest& request) {
    const auto strategy = CreateStrategy(GetParam()).value();
    auto proposals = strategy->Propose(oracle_, request);
    EXPECT_OK(proposals);
    return proposals.ok() ? *proposals : std::vector<ProposedPath>();
  }

  FakeOracle oracle_;
};

TEST_P(StrategyTest, ProposesAsManyDifferentNetworksAsAreWanted) {
  const auto proposals = Propose(Request(oracle_));
  EXPECT_EQ(proposals.size(), 8);
  std::set<std::string> digests;
  for (const ProposedPath& proposal : proposals)
    digests.insert(proposal.digest);
  EXPECT_EQ(digests.size(), proposals.size());
}

TEST_P(StrategyTest, SpreadsOverLatencyByAFactorOfTwo) {
  const auto proposals = Propose(Request(oracle_));
  ASSERT_FALSE(proposals.empty());
  EXPECT_GE(proposals.back().predicted_ns, 2 * proposals.front().predicted_ns);
}

TEST_P(StrategyTest, OrdersByLatencyAndTellsWhatItPredicts) {
  double before = 0;
  for (const ProposedPath& proposal : Propose(Request(oracle_))) {
    EXPECT_GE(proposal.predicted_ns, before);
    before = proposal.predicted_ns;
    EXPECT_EQ(proposal.predicted_ns, oracle_.latency().Point(proposal.path));
    EXPECT_EQ(proposal.top1, oracle_.Top1(proposal.path).value());
    EXPECT_FALSE(proposal.origin.empty());
  }
}

TEST_P(StrategyTest, KeepsTheLastLimit) {
  ProposalRequest request = Request(oracle_);
  request.limits_ns = SpreadLimits(oracle_.latency(), 3, 9e6);
  for (const ProposedPath& proposal : Propose(request)) {
    EXPECT_LE(proposal.predicted_ns, 9e6);
  }
}

TEST_P(StrategyTest, KeepsOtherDevicesLimits) {
  oracle_.Forbid(2);
  for (const ProposedPath& proposal : Propose(Request(oracle_))) {
    EXPECT_NE(proposal.path[5], 2);
  }
}

TEST_P(StrategyTest, StaysWithinItsEvaluations) {
  ProposalRequest request = Request(oracle_);
  request.evaluations = 11;
  Propose(request);
  EXPECT_LE(oracle_.evaluations(), 11);
}

TEST_P(StrategyTest, RepeatsForTheSameRandom) {
  const auto first = Propose(Request(oracle_));
  const auto second = Propose(Request(oracle_));
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].path, second[i].path);
  }
}

TEST_P(StrategyTest, PassesOnThatTheOracleWasStopped) {
  oracle_.CancelAt(3);
  const auto strategy = CreateStrategy(GetParam()).value();
  EXPECT_THAT(strategy->Propose(oracle_, Request(oracle_)),
              StatusIs(absl::StatusCode::kCancelled));
}

INSTANTIATE_TEST_SUITE_P(
    All, StrategyTest,
    ::testing::Values(v1::STRATEGY_PROXYLESS, v1::STRATEGY_GUMBEL,
                      v1::STRATEGY_RANDOM, v1::STRATEGY_EVOLUTION),
    [](const auto& info) { return v1::Strategy_Name(info.param); });

TEST(CreateStrategyTest, ListsTheStrategiesWhenItIsNone) {
  EXPECT_THAT(
      CreateStrategy(v1::STRATEGY_UNSPECIFIED),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("proxyless")));
}

TEST(GradientStrategyTest, ProposesTheMostProbablePathOfEachLimit) {
  FakeOracle oracle;
  ProposalRequest request = Request(oracle);
  request.limits_ns = {6e6, 100e6};
  request.wanted = 2;
  request.evaluations = 2;
  const auto proposals =
      CreateStrategy(v1::STRATEGY_PROXYLESS).value()->Propose(oracle, request);
  ASSERT_OK(proposals);
  ASSERT_EQ(proposals->size(), 2);
  // Logits rise by 1 a ms, so any 2 ms more are equally probable.
  EXPECT_EQ((*proposals)[0].predicted_ns, 6e6);
  EXPECT_THAT((*proposals)[1].path, ElementsAre(2, 2, 2, 2, 2, 2));
  EXPECT_EQ((*proposals)[0].origin, "limit 6.000 ms");
}

TEST(EvolutionStrategyTest, LeavesTheUselessCandidateToOthers) {
  FakeOracle oracle;
  ProposalRequest request = Request(oracle);
  request.limits_ns = {5.5e6, 7.5e6, 10.5e6, 15e6, 20.5e6};
  request.evaluations = 200;
  const auto share_of_useless = [&](v1::Strategy kind) {
    const auto proposals =
        CreateStrategy(kind).value()->Propose(oracle, request).value();
    double useless = 0;
    for (const ProposedPath& proposal : proposals) {
      useless += std::count(proposal.path.begin(), proposal.path.end(), 3);
    }
    return useless / (proposals.size() * kSlots);
  };
  EXPECT_LT(share_of_useless(v1::STRATEGY_EVOLUTION),
            share_of_useless(v1::STRATEGY_RANDOM));
}

TEST(SpreadLimitsTest, SpacesLimitsEvenlyInTheirLogarithms) {
  FakeOracle oracle;  // 4 to 22 ms
  const auto limits = SpreadLimits(oracle.latency(), 3, 0);
  ASSERT_EQ(limits.size(), 3);
  EXPECT_NEAR(limits[0], 4e6 + 0.02 * 18e6, 1);
  EXPECT_NEAR(limits[2], 4e6 + 0.75 * 18e6, 1);
  EXPECT_NEAR(limits[1] / limits[0], limits[2] / limits[1], 1e-9);
}

TEST(SpreadLimitsTest, EndsAtAHardLimit) {
  FakeOracle oracle;
  EXPECT_EQ(SpreadLimits(oracle.latency(), 4, 10e6).back(), 10e6);
  EXPECT_THAT(SpreadLimits(oracle.latency(), 1, 10e6), ElementsAre(10e6));
}

TEST(BestPathUnderTest, AgreesWithTryingAllPaths) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    latency::SlotValues ns(4), scores(4);
    for (int s = 0; s < 4; ++s) {
      for (int k = 0; k < 3; ++k) {
        // Multiples of a tenth of the room: no rounding in 1/2000 of it.
        ns[s].push_back(static_cast<double>(random.UniformInt(5)) * 10);
        scores[s].push_back(random.Uniform());
      }
    }
    const auto latency = latency::ExpectedLatency::Create(ns, 5).value();
    const double limit = latency.MinNs() + 40;
    double best = -1;
    for (int code = 0; code < 81; ++code) {
      const std::vector<int> path = {code % 3, code / 3 % 3, code / 9 % 3,
                                     code / 27};
      if (latency.Point(path) > limit) continue;
      double score = 0;
      for (int s = 0; s < 4; ++s) score += scores[s][path[s]];
      best = std::max(best, score);
    }
    const auto found = BestPathUnder(scores, latency, limit);
    ASSERT_TRUE(found.has_value());
    EXPECT_LE(latency.Point(*found), limit);
    double score = 0;
    for (int s = 0; s < 4; ++s) score += scores[s][(*found)[s]];
    EXPECT_NEAR(score, best, 1e-12) << "round " << round;
  }
}

TEST(BestPathUnderTest, FindsNoneBelowTheCheapest) {
  FakeOracle oracle;
  EXPECT_EQ(BestPathUnder(oracle.Logits(), oracle.latency(), 3.9e6),
            std::nullopt);
}

TEST(BestPathUnderTest, TakesTheCheapestWhenThereIsNoRoom) {
  FakeOracle oracle;
  EXPECT_EQ(*BestPathUnder(oracle.Logits(), oracle.latency(), 4e6),
            std::vector<int>(kSlots, 0));
}

}  // namespace
}  // namespace frostnas::search

#include "latency/expected_latency.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "arch/graph.h"
#include "arch/op_key.h"
#include "arch/space.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "latency/latency_table.h"
#include "latency/predict/predictor.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ExpectedLatency Make(const SlotValues& candidates_ns, double fixed_ns = 0) {
  return *ExpectedLatency::Create(candidates_ns, fixed_ns);
}

// The worked numbers of one slot: alpha = (0, 1, 2), LUT = (10, 20, 40).
TEST(ExpectedLatencyTest, GivesTheWorkedNumbers) {
  const ExpectedLatency latency = Make({{10, 20, 40}});
  const std::vector<double> p = Softmax({0, 1, 2});
  EXPECT_NEAR(p[0], 0.0900, 5e-5);
  EXPECT_NEAR(p[1], 0.2447, 5e-5);
  EXPECT_NEAR(p[2], 0.6652, 5e-5);
  EXPECT_NEAR(latency.Value({p}), 32.4045, 5e-5);
  const SlotValues gradient = latency.GradientByLogits({{0, 1, 2}});
  EXPECT_NEAR(gradient[0][0], -2.0171, 5e-5);
  EXPECT_NEAR(gradient[0][1], -3.0357, 5e-5);
  EXPECT_NEAR(gradient[0][2], 5.0528, 5e-5);
}

TEST(ExpectedLatencyTest, SumsSlotsAndFixedPart) {
  const ExpectedLatency latency = Make({{10, 20}, {4}, {0, 8}}, 100);
  EXPECT_DOUBLE_EQ(latency.Value({{0.5, 0.5}, {1}, {0.25, 0.75}}),
                   100 + 15 + 4 + 6);
  EXPECT_DOUBLE_EQ(latency.Point({1, 0, 0}), 100 + 20 + 4 + 0);
  EXPECT_DOUBLE_EQ(latency.MinNs(), 100 + 10 + 4 + 0);
  EXPECT_DOUBLE_EQ(latency.MaxNs(), 100 + 20 + 4 + 8);
  EXPECT_THAT(
      latency.GradientByProbability(),
      ElementsAre(ElementsAre(10, 20), ElementsAre(4), ElementsAre(0, 8)));
}

TEST(ExpectedLatencyTest, LogitGradientIsThatOfDifferences) {
  const ExpectedLatency latency = Make({{3, 11, 5}, {2, 9}}, 1);
  const SlotValues alpha = {{0.4, -1.2, 0.7}, {2, -0.5}};
  const double temperature = 0.6;
  const SlotValues gradient = latency.GradientByLogits(alpha, temperature);
  const auto value = [&](const SlotValues& logits) {
    return latency.Value(
        {Softmax(logits[0], temperature), Softmax(logits[1], temperature)});
  };
  const double h = 1e-6;
  for (size_t s = 0; s < alpha.size(); ++s) {
    for (size_t k = 0; k < alpha[s].size(); ++k) {
      SlotValues up = alpha;
      SlotValues down = alpha;
      up[s][k] += h;
      down[s][k] -= h;
      EXPECT_NEAR(gradient[s][k], (value(up) - value(down)) / (2 * h), 1e-7)
          << "slot " << s << ", candidate " << k;
    }
    EXPECT_NEAR(std::accumulate(gradient[s].begin(), gradient[s].end(), 0.0), 0,
                1e-12);
  }
}

constexpr char kSpace[] = R"pb(
  name: "tiny"
  width: 1
  input_size: 16
  input_channels: 3
  num_classes: 4
  width_rule: WIDTH_RULE_FROST
  slots {
    name: "stem"
    role: SLOT_ROLE_STEM
    candidates {
      block {
        conv {
          out_channels: 16
          kernel: 3
          stride: 2
          activation: ACTIVATION_RELU
        }
      }
    }
  }
  slots {
    name: "b1"
    role: SLOT_ROLE_BODY
    candidates {
      block {
        frost { out_channels: 16 kernel: 3 stride: 1 expansion: 3 reduction: 2 }
      }
    }
    candidates {
      block {
        frost { out_channels: 16 kernel: 5 stride: 1 expansion: 6 reduction: 2 }
      }
    }
    candidates { skip: true }
  }
  slots {
    name: "top"
    role: SLOT_ROLE_BODY
    candidates { block { classifier { pool: GLOBAL_POOL_AVERAGE } } }
  })pb";

arch::SearchSpace TinySpace() {
  v1::Space spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kSpace, &spec));
  return *arch::SearchSpace::Create(spec);
}

// Every op of the space, each with a different time.
LatencyTable TableOf(const arch::SearchSpace& space) {
  LatencyTable table(v1::Device(), 1, 1);
  int64_t ns = 1000;
  for (const v1::OpKey& op : arch::DistinctOps(space)) {
    v1::OpLatency entry;
    *entry.mutable_op() = op;
    entry.set_median_ns(ns);
    ns = ns * 3 / 2;
    EXPECT_OK(table.Add(entry));
  }
  return table;
}

arch::Graph NetworkOf(const arch::SearchSpace& space, int candidate) {
  v1::Choice choice;
  for (int each : {0, candidate, 0}) choice.add_candidate(each);
  return *arch::ExpandArchitecture(*space.ArchitectureOf(choice));
}

// Exact for every architecture, whatever the table's networks say.
TEST(ExpectedLatencyTest, OfASpaceAgreesWithItsNetworks) {
  const arch::SearchSpace space = TinySpace();
  LatencyTable table = TableOf(space);
  for (int networks : {0, 1, 2}) {
    if (networks > 0) {
      ASSERT_OK(table.AddNetwork({.graph = NetworkOf(space, networks),
                                  .median_ns = 700'000 * networks}));
    }
    ASSERT_OK_AND_ASSIGN(const ExpectedLatency latency,
                         ExpectedLatency::FromTable(space, table));
    ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table));
    ASSERT_EQ(latency.candidates_ns().size(), 3u);
    ASSERT_EQ(latency.candidates_ns()[1].size(), 3u);
    EXPECT_EQ(latency.candidates_ns()[1][2], 0);
    for (int k = 0; k < 3; ++k) {
      ASSERT_OK_AND_ASSIGN(const Prediction point,
                           predictor.Predict(NetworkOf(space, k)));
      EXPECT_NEAR(latency.Point({0, k, 0}), point.ns, 1e-6);
      SlotValues p = {{1}, {0, 0, 0}, {1}};
      p[1][k] = 1;
      EXPECT_NEAR(latency.Value(p), point.ns, 1e-6);
    }
  }
}

// The gradient of a calibrated table's expectation is that of differences.
TEST(ExpectedLatencyTest, OfACalibratedTableHasItsGradient) {
  const arch::SearchSpace space = TinySpace();
  LatencyTable table = TableOf(space);
  ASSERT_OK(
      table.AddNetwork({.graph = NetworkOf(space, 0), .median_ns = 900'000}));
  ASSERT_OK_AND_ASSIGN(const ExpectedLatency latency,
                       ExpectedLatency::FromTable(space, table));
  const SlotValues alpha = {{0}, {0.3, -0.4, 1.1}, {0}};
  const SlotValues gradient = latency.GradientByLogits(alpha);
  for (int k = 0; k < 3; ++k) {
    const auto value = [&](double step) {
      std::vector<double> moved = alpha[1];
      moved[k] += step;
      return latency.Value({{1}, Softmax(moved), {1}});
    };
    const double h = 1e-4;
    EXPECT_NEAR(gradient[1][k], (value(h) - value(-h)) / (2 * h),
                1e-6 * latency.MaxNs());
  }
}

TEST(ExpectedLatencyTest, NamesTheOpThatTheTableLacks) {
  EXPECT_THAT(
      ExpectedLatency::FromTable(TinySpace(), LatencyTable(v1::Device(), 1, 1)),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("conv size=16")));
}

TEST(SoftmaxTest, BearsLargeLogits) {
  const std::vector<double> p = Softmax({1000, 999});
  EXPECT_NEAR(p[0], 1 / (1 + std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(p[0] + p[1], 1, 1e-12);
}

TEST(ExpectedLatencyTest, NamesTheSlotAndCandidateAtFault) {
  EXPECT_THAT(ExpectedLatency::Create({{}}, 0).status().message(),
              HasSubstr("slot 0 has no candidates"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ExpectedLatency::Create({{1}, {2, nan}}, 0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("slot 1, candidate 1")));
  EXPECT_FALSE(ExpectedLatency::Create({{1}}, nan).ok());
}

TEST(ExpectedLatencyDeathTest, RefusesDistributionsOfAnotherSpace) {
  const ExpectedLatency latency = Make({{1, 2}});
  EXPECT_DEATH(latency.Value({{1}}), "1 and 2 values");
  EXPECT_DEATH(latency.Value({}), "0 slots");
  EXPECT_DEATH(latency.Point({2}), "candidate 2 of slot 0");
}

}  // namespace
}  // namespace frostnas::latency

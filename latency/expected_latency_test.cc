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
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Calibration Calibrated(double slope, double intercept_ns) {
  v1::Calibration calibration;
  calibration.set_slope(slope);
  calibration.set_intercept_ns(intercept_ns);
  return calibration;
}

ExpectedLatency Make(const SlotValues& candidates_ns, double fixed_ns = 0,
                     double slope = 1, double intercept_ns = 0) {
  return *ExpectedLatency::Create(candidates_ns, fixed_ns,
                                  Calibrated(slope, intercept_ns));
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

TEST(ExpectedLatencyTest, SumsSlotsFixedPartAndCalibration) {
  const ExpectedLatency latency = Make({{10, 20}, {4}, {0, 8}}, 100, 2, 7);
  EXPECT_DOUBLE_EQ(latency.Value({{0.5, 0.5}, {1}, {0.25, 0.75}}),
                   2 * (100 + 15 + 4 + 6) + 7);
  EXPECT_DOUBLE_EQ(latency.Point({1, 0, 0}), 2 * (100 + 20 + 4 + 0) + 7);
  EXPECT_DOUBLE_EQ(latency.MinNs(), 2 * (100 + 10 + 4 + 0) + 7);
  EXPECT_DOUBLE_EQ(latency.MaxNs(), 2 * (100 + 20 + 4 + 8) + 7);
  EXPECT_THAT(
      latency.GradientByProbability(),
      ElementsAre(ElementsAre(20, 40), ElementsAre(8), ElementsAre(0, 16)));
}

TEST(ExpectedLatencyTest, LogitGradientIsThatOfDifferences) {
  const ExpectedLatency latency = Make({{3, 11, 5}, {2, 9}}, 1, 1.3, 4);
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

TEST(ExpectedLatencyTest, OfASpaceAgreesWithItsNetworks) {
  const arch::SearchSpace space = TinySpace();
  LatencyTable table = TableOf(space);
  ASSERT_OK(table.set_calibration(Calibrated(1.2, 300)));
  ASSERT_OK_AND_ASSIGN(const ExpectedLatency latency,
                       ExpectedLatency::FromTable(space, table));
  ASSERT_EQ(latency.candidates_ns().size(), 3u);
  ASSERT_EQ(latency.candidates_ns()[1].size(), 3u);
  EXPECT_EQ(latency.candidates_ns()[1][2], 0);
  for (int k = 0; k < 3; ++k) {
    v1::Choice choice;
    for (int candidate : {0, k, 0}) choice.add_candidate(candidate);
    ASSERT_OK_AND_ASSIGN(const v1::Architecture architecture,
                         space.ArchitectureOf(choice));
    ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                         arch::ExpandArchitecture(architecture));
    ASSERT_OK_AND_ASSIGN(const int64_t point_ns, table.NetworkLatencyNs(graph));
    EXPECT_NEAR(latency.Point({0, k, 0}), point_ns, 0.5);
    SlotValues p = {{1}, {0, 0, 0}, {1}};
    p[1][k] = 1;
    EXPECT_NEAR(latency.Value(p), point_ns, 0.5);
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
  const v1::Calibration calibration = Calibrated(1, 0);
  const absl::Status negative =
      ExpectedLatency::Create({{1}, {2, -1}}, 0, calibration).status();
  EXPECT_EQ(negative.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(negative.message(), HasSubstr("slot 1, candidate 1"));
  EXPECT_THAT(ExpectedLatency::Create({{}}, 0, calibration).status().message(),
              HasSubstr("slot 0 has no candidates"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(ExpectedLatency::Create({{nan}}, 0, calibration).ok());
  EXPECT_FALSE(ExpectedLatency::Create({{1}}, nan, calibration).ok());
  EXPECT_FALSE(ExpectedLatency::Create({{1}}, 0, Calibrated(0, 0)).ok());
}

TEST(ExpectedLatencyDeathTest, RefusesDistributionsOfAnotherSpace) {
  const ExpectedLatency latency = Make({{1, 2}});
  EXPECT_DEATH(latency.Value({{1}}), "1 and 2 values");
  EXPECT_DEATH(latency.Value({}), "0 slots");
  EXPECT_DEATH(latency.Point({2}), "candidate 2 of slot 0");
}

}  // namespace
}  // namespace frostnas::latency

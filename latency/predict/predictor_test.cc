#include "latency/predict/predictor.h"

#include <cmath>
#include <string>
#include <vector>

#include "arch/op_key.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/predict/prediction_quality.h"
#include "latency/predict/space_networks.h"
#include "latency/testing/synthetic_device.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

// A table of every op of the synthetic space, and networks on demand.
class PredictorTest : public testing::Test {
 protected:
  explicit PredictorTest(const SyntheticCosts& costs = {})
      : device_(costs), table_(device_.Describe(), 1, 1) {
    EXPECT_OK(device_.ProfileOps(
        arch::DistinctOps(space_), {},
        [this](const v1::OpLatency& op) { return table_.Add(op); }, {}));
  }

  void MeasureNetworks(int count) {
    ASSERT_OK_AND_ASSIGN(const std::vector<SpaceNetwork> networks,
                         PickForFit(space_, table_, count, /*seed=*/1));
    for (const SpaceNetwork& network : networks) {
      ASSERT_OK(table_.AddNetwork(
          {.graph = network.graph,
           .median_ns = std::llround(device_.NetworkNs(network.graph)),
           .choice = network.choice}));
    }
  }

  PredictionQuality QualityOnOthers(int count) {
    const Predictor predictor = *Predictor::Create(table_);
    std::vector<JudgedNetwork> judged;
    const auto others = *PickToHoldOut(space_, table_, count, /*seed=*/9);
    for (const SpaceNetwork& network : others) {
      judged.push_back({.predicted = *predictor.Predict(network.graph),
                        .measured_ns = device_.NetworkNs(network.graph)});
    }
    return *Judge(judged);
  }

  arch::Graph AnyNetwork(uint64_t seed = 3) {
    Random random(seed);
    return NetworkOf(space_, space_.RandomChoice(random))->graph;
  }

  double SumNs(const arch::Graph& graph) {
    double sum_ns = 0;
    for (const arch::Layer& layer : graph.layers) {
      const auto op = arch::OpKeyOf(layer);
      if (op) sum_ns += table_.Find(*op)->median_ns();
    }
    return sum_ns;
  }

  const arch::SearchSpace space_ = SyntheticSpace();
  SyntheticDevice device_;
  LatencyTable table_;
};

TEST_F(PredictorTest, SumsOpsWithoutNetworks) {
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  const arch::Graph graph = AnyNetwork();
  ASSERT_OK_AND_ASSIGN(const Prediction prediction, predictor.Predict(graph));
  EXPECT_NEAR(prediction.ns, SumNs(graph), 1e-6);
  EXPECT_LT(prediction.low_ns, 0.7 * prediction.ns);
  EXPECT_GT(prediction.high_ns, 1.3 * prediction.ns);
  EXPECT_EQ(predictor.left_out_mape(), std::nullopt);
}

TEST_F(PredictorTest, TakesTheLineOfAnOlderTable) {
  v1::Calibration line;
  line.set_slope(1.5);
  line.set_intercept_ns(-500);
  line.set_networks(6);
  ASSERT_OK(table_.set_calibration(line));
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  const arch::Graph graph = AnyNetwork();
  ASSERT_OK_AND_ASSIGN(const Prediction prediction, predictor.Predict(graph));
  EXPECT_NEAR(prediction.ns, 1.5 * SumNs(graph) - 500, 1e-6);
  line.set_intercept_ns(-1e12);
  ASSERT_OK(table_.set_calibration(line));
  ASSERT_OK_AND_ASSIGN(const Predictor low, Predictor::Create(table_));
  ASSERT_OK_AND_ASSIGN(const Prediction least, low.Predict(graph));
  EXPECT_EQ(least.ns, 1);
  EXPECT_EQ(least.low_ns, 1);
}

// A runtime of the user's own may be several times slower than the one that
// measured the ops.
TEST_F(PredictorTest, TakesTheRatioOfOneNetwork) {
  const arch::Graph graph = AnyNetwork();
  ASSERT_OK(table_.AddNetwork(
      {.graph = graph, .median_ns = std::llround(7 * SumNs(graph))}));
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  const arch::Graph other = AnyNetwork(4);
  ASSERT_OK_AND_ASSIGN(const Prediction prediction, predictor.Predict(other));
  EXPECT_NEAR(prediction.ns, 7 * SumNs(other), 0.001 * prediction.ns);
}

TEST_F(PredictorTest, LearnsKindsCallsAndBytesFromFewNetworks) {
  EXPECT_GT(QualityOnOthers(100).mape, 0.03);
  MeasureNetworks(24);
  const PredictionQuality few = QualityOnOthers(100);
  EXPECT_EQ(few.networks, 100);
  EXPECT_LT(few.mape, 0.01);
  EXPECT_GT(few.within_5, 0.99);
  EXPECT_GT(few.kendall_tau, 0.95);
  EXPECT_GE(few.coverage, 0.90);
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  EXPECT_LT(*predictor.left_out_mape(), 0.03);
}

class NoisyPredictorTest : public PredictorTest {
 protected:
  NoisyPredictorTest()
      : PredictorTest({.op_noise = 0.04, .network_noise = 0.015}) {}
};

TEST_F(NoisyPredictorTest, IntervalsHoldWhatTheySay) {
  for (int networks : {6, 24, 60}) {
    MeasureNetworks(networks);
    const PredictionQuality quality = QualityOnOthers(200);
    // Noise that no sum of ops explains is partly taken for ops.
    EXPECT_GE(quality.coverage, 0.85) << networks << " networks";
    EXPECT_LT(quality.mape, 0.06) << networks << " networks";
  }
}

TEST_F(PredictorTest, IsNotMovedByOneBadMeasurement) {
  MeasureNetworks(24);
  const PredictionQuality before = QualityOnOthers(50);
  v1::Calibration calibration = table_.calibration();
  v1::NetworkLatency& bad = *calibration.mutable_measured(5);
  bad.set_median_ns(bad.median_ns() * 2);
  ASSERT_OK(table_.set_calibration(calibration));
  EXPECT_LT(QualityOnOthers(50).mape, before.mape + 0.01);
}

TEST_F(PredictorTest, NetworksHeldOutDoNotCount) {
  MeasureNetworks(8);
  ASSERT_OK_AND_ASSIGN(const Predictor before, Predictor::Create(table_));
  const arch::Graph graph = AnyNetwork();
  ASSERT_OK(table_.AddNetwork(
      {.graph = graph, .median_ns = 1'000'000'000, .held_out = true}));
  ASSERT_OK_AND_ASSIGN(const Predictor after, Predictor::Create(table_));
  EXPECT_EQ(after.Predict(graph)->ns, before.Predict(graph)->ns);
}

TEST_F(PredictorTest, IsTheSumOfWhatOpsAdd) {
  MeasureNetworks(12);
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  const arch::Graph graph = AnyNetwork();
  ASSERT_OK_AND_ASSIGN(const double ops_ns, predictor.OpsNs(graph));
  ASSERT_OK_AND_ASSIGN(const Prediction prediction, predictor.Predict(graph));
  EXPECT_NEAR(prediction.ns, predictor.base_ns() + ops_ns, 1e-6);
  double layers_ns = 0;
  for (const arch::Layer& layer : graph.layers) {
    arch::Graph one;
    one.layers = {layer};
    ASSERT_OK_AND_ASSIGN(const double ns, predictor.OpsNs(one));
    layers_ns += ns;
  }
  EXPECT_NEAR(layers_ns, ops_ns, 1e-6);
}

TEST_F(PredictorTest, NamesTheOpThatTheTableLacks) {
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table_));
  arch::Graph graph = AnyNetwork();
  graph.layers[0].out.channels += 8;
  EXPECT_THAT(
      predictor.Predict(graph),
      StatusIs(absl::StatusCode::kNotFound,
               testing::AllOf(HasSubstr("conv"), HasSubstr("profile"))));
  // Networks of ops that are not there cannot be fitted on.
  ASSERT_OK(table_.AddNetwork({.graph = graph, .median_ns = 1000}));
  EXPECT_THAT(Predictor::Create(table_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("conv")));
}

TEST(PredictorWithoutOpsTest, IsMadeOfAnEmptyTable) {
  EXPECT_OK(Predictor::Create(LatencyTable(v1::Device(), 1, 1)));
}

}  // namespace
}  // namespace frostnas::latency

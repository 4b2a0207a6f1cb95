#include "quant/methods/ranges/calibrator.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"
#include "quant/methods/network/folded_network.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

class CalibratorTest : public testing::Test {
 protected:
  CalibratorTest() {
    nn::SetComputeThreads(1);
    folded_ = *Fold(RandomFloatNetwork(architecture_, 3));
  }

  const v1::Architecture architecture_ = EveryLayerArchitecture();
  const nn::ImageSet images_ = RandomImages(architecture_, 10, 4);
  FoldedNetwork folded_;
};

TEST_F(CalibratorTest, ExtremesAreThoseOfTheFloatNetwork) {
  // Batches of 4, 4 and 2.
  ASSERT_OK_AND_ASSIGN(
      const TensorExtremes extremes,
      ObserveExtremes(folded_, {images_, folded_.dataset, 4}, {}));
  ASSERT_OK_AND_ASSIGN(const auto network, FloatNetworkOf(folded_));
  ASSERT_OK(ForEachBatch({images_, folded_.dataset, 10}, {},
                         [&](const nn::Tensor& batch) {
                           EXPECT_EQ(batch.shape().n, 10);
                           network->Forward(batch, nn::Mode::kEval);
                         }));
  for (size_t i = 0; i < folded_.layers.size(); ++i) {
    const nn::Tensor& values = network->layer_output(static_cast<int>(i));
    const auto [min, max] =
        std::minmax_element(values.span().begin(), values.span().end());
    const Range range = extremes.range(static_cast<int>(i));
    EXPECT_NEAR(range.min, *min, 1e-4 * (1 + std::abs(*min)));
    EXPECT_NEAR(range.max, *max, 1e-4 * (1 + std::abs(*max)));
    EXPECT_EQ(extremes.channels(static_cast<int>(i)).size(),
              folded_.graph.layers[i].out.channels);
  }
  // Pixels of 0 and 255, mean 0.47, deviation 0.25.
  EXPECT_FLOAT_EQ(extremes.range(arch::kGraphInput).min, -0.47f / 0.25f);
  EXPECT_FLOAT_EQ(extremes.range(arch::kGraphInput).max, 0.53f / 0.25f);
}

TEST_F(CalibratorTest, HistogramsHoldEachValueOfTheirGroupOnce) {
  const CalibrationImages images = {images_, folded_.dataset, 4};
  ASSERT_OK_AND_ASSIGN(const TensorExtremes extremes,
                       ObserveExtremes(folded_, images, {}));
  ASSERT_OK_AND_ASSIGN(const auto histograms,
                       ObserveHistograms(folded_, extremes, images, {}));
  const GridGroups groups(folded_.graph);
  std::map<int, int64_t> expected;
  for (int i = arch::kGraphInput; i < static_cast<int>(folded_.layers.size());
       ++i) {
    if (i >= 0 && MovesValues(folded_.graph.layers[i])) continue;
    expected[groups.group(i)] +=
        images_.count() * Elements(ShapeOf(folded_.graph, i));
  }
  const std::vector<Range> ranges = GroupRanges(folded_.graph, extremes);
  ASSERT_EQ(histograms.size(), groups.num_groups());
  for (const auto& [group, total] : expected) {
    EXPECT_EQ(histograms[group].total(), total);
    EXPECT_LE(ranges[group].min, 0);
    EXPECT_GE(ranges[group].max, 0);
    EXPECT_EQ(histograms[group].range().max, ranges[group].max);
  }
}

TEST_F(CalibratorTest, RefusesWhatGivesNoStatistics) {
  nn::ImageSet none = images_;
  none.labels.clear();
  none.pixels.clear();
  EXPECT_THAT(
      ObserveExtremes(folded_, {none, folded_.dataset}, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one")));
  for (float& weight : folded_.layers[0].weights) weight = 3e38f;
  EXPECT_THAT(ObserveExtremes(folded_, {images_, folded_.dataset}, {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(folded_.graph.layers[0].name)));
}

TEST_F(CalibratorTest, StopsWhenAsked) {
  StopSource source;
  source.RequestStop();
  EXPECT_THAT(
      ObserveExtremes(folded_, {images_, folded_.dataset}, source.token())
          .status(),
      StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace frostnas::quant

// Against values worked out by hand.
#include "quant/kernels/reference.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;

TEST(ConvReferenceTest, PointwiseSubtractsTheZeroPoint) {
  // Channel 0: (12 - 10) * 3 + (7 - 10) * -2 + 5 = 17 -> 8.5 -> 8 -> 108.
  // Channel 1: (12 - 10) * -1 + (7 - 10) * 4 + 1 = -13 -> -3.25 -> 97.
  const std::vector<int8_t> weights = {3, -2, -1, 4};
  const std::vector<int32_t> bias = {5, 1};
  const ConvParams params = {.geometry = {.in_size = 1,
                                          .in_channels = 2,
                                          .out_size = 1,
                                          .out_channels = 2},
                             .weights = weights,
                             .bias = bias,
                             .multiplier = {0.5f, 0.25f},
                             .src_zero_point = 10,
                             .to = {.zero_point = 100}};
  std::vector<uint8_t> dst(2);
  ConvReference(params, 1, {{12, 7}}, absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(108, 97));
}

// A 3 x 3 sum filter over a 2 x 2 map sees all of it at every position,
// whatever value stands for zero.
TEST(ConvReferenceTest, PaddingIsRealZero) {
  for (int zero_point : {0, 3}) {
    const std::vector<int8_t> weights(9, 1);
    const std::vector<int32_t> bias = {0};
    const ConvParams params = {.geometry = {.in_size = 2,
                                            .in_channels = 1,
                                            .out_size = 2,
                                            .out_channels = 1,
                                            .kernel = 3,
                                            .stride = 1,
                                            .pad = 1},
                               .weights = weights,
                               .bias = bias,
                               .multiplier = {1.0f},
                               .src_zero_point = zero_point};
    std::vector<uint8_t> dst(4);
    ConvReference(params, 1, {{10, 20, 30, 40}}, absl::MakeSpan(dst));
    const int sum = 100 - 4 * zero_point;
    EXPECT_THAT(dst, ElementsAre(sum, sum, sum, sum));
  }
}

// H,W,I order of a dense filter, and a stride: the one tap at (y 1, x 2).
TEST(ConvReferenceTest, StridedDenseFilterTakesItsTap) {
  std::vector<int8_t> weights(9, 0);
  weights[1 * 3 + 2] = 2;
  const std::vector<int32_t> bias = {1};
  const ConvParams params = {.geometry = {.in_size = 3,
                                          .in_channels = 1,
                                          .out_size = 2,
                                          .out_channels = 1,
                                          .kernel = 3,
                                          .stride = 2,
                                          .pad = 1},
                             .weights = weights,
                             .bias = bias,
                             .multiplier = {1.0f}};
  std::vector<uint8_t> dst(4);
  ConvReference(params, 1, {{1, 2, 3, 4, 5, 6, 7, 8, 9}}, absl::MakeSpan(dst));
  // Pixels (0, 1), padding, (2, 1), padding.
  EXPECT_THAT(dst, ElementsAre(2 * 2 + 1, 1, 2 * 8 + 1, 1));
}

TEST(ConvReferenceTest, DepthwiseKeepsChannelsApart) {
  // H,W,C: tap k of channel c is weights[k * 2 + c].
  std::vector<int8_t> weights(18, 0);
  weights[4 * 2 + 0] = 1;   // centre
  weights[5 * 2 + 1] = -1;  // right neighbour
  const std::vector<int32_t> bias = {0, 50};
  const ConvParams params = {.geometry = {.in_size = 2,
                                          .in_channels = 2,
                                          .out_size = 2,
                                          .out_channels = 2,
                                          .kernel = 3,
                                          .stride = 1,
                                          .pad = 1,
                                          .depthwise = true},
                             .weights = weights,
                             .bias = bias,
                             .multiplier = {1.0f, 1.0f}};
  std::vector<uint8_t> dst(8);
  ConvReference(params, 1, {{1, 10, 2, 20, 3, 30, 4, 40}}, absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(1, 50 - 20, 2, 50, 3, 50 - 40, 4, 50));
}

TEST(ConvReferenceTest, ClampsToItsActivation) {
  const std::vector<int8_t> weights = {1};
  const std::vector<int32_t> bias = {-20};
  ConvParams params = {.geometry = {.in_size = 2,
                                    .in_channels = 1,
                                    .out_size = 2,
                                    .out_channels = 1},
                       .weights = weights,
                       .bias = bias,
                       .multiplier = {1.0f},
                       .to = {.zero_point = 5, .low = 5, .high = 60}};
  std::vector<uint8_t> dst(4);
  ConvReference(params, 1, {{0, 20, 30, 200}}, absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(5, 5, 15, 60));
}

TEST(AddReferenceTest, RescalesBothSides) {
  const AddParams params = {.multiplier = {0.5f, 2.0f},
                            .zero_point = {10, 20},
                            .to = {.zero_point = 100}};
  std::vector<uint8_t> dst(4);
  // 0.5 * 1 + 0 = 0.5 -> 0; 1.5 -> 2; 1 + 2; -5 + 2 * 235 saturates.
  AddReference(params, {{11, 13, 12, 0}}, {{20, 20, 21, 255}},
               absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(100, 102, 103, 255));
}

TEST(ConcatReferenceTest, JoinsChannelsAtEveryPosition) {
  std::vector<uint8_t> dst(6);
  ConcatReference(1, 2, {{1, 2}}, {{10, 11, 20, 21}}, absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(1, 10, 11, 2, 20, 21));
}

TEST(MaxPoolReferenceTest, TakesTheLargestOfEachWindow) {
  std::vector<uint8_t> dst(1);
  MaxPoolReference(
      {.in_size = 3, .out_size = 1, .channels = 1, .kernel = 2, .stride = 2},
      {{1, 9, 200, 4, 5, 6, 7, 8, 3}}, absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(9));
}

TEST(AveragePoolReferenceTest, SumsWithoutRoundingBetween) {
  // ((1 + 2 + 2 + 2) - 4 * 1) / 4 = 0.75 -> 1; channel 1: 6 / 4 = 1.5 -> 2.
  const AveragePoolParams params = {
      .positions = 4, .channels = 2, .multiplier = 0.25f, .src_zero_point = 1};
  std::vector<uint8_t> dst(2);
  AveragePoolReference(params, 1, {{1, 1, 2, 2, 2, 3, 2, 4}},
                       absl::MakeSpan(dst));
  EXPECT_THAT(dst, ElementsAre(1, 2));
}

TEST(ClampChannelsReferenceTest, EachChannelHasItsBounds) {
  std::vector<uint8_t> values = {5, 100, 30, 200};
  ClampChannelsReference({.low = {10, 0}, .high = {20, 150}},
                         absl::MakeSpan(values));
  EXPECT_THAT(values, ElementsAre(10, 100, 20, 150));
}

}  // namespace
}  // namespace frostnas::quant

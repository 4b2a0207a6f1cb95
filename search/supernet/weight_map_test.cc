#include "search/supernet/weight_map.h"

#include <numeric>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::Block Frost(int kernel, int expansion, int reduction) {
  v1::Block block;
  block.set_name("s");
  v1::FrostBlock& frost = *block.mutable_frost();
  frost.set_out_channels(32);
  frost.set_kernel(kernel);
  frost.set_stride(1);
  frost.set_expansion(expansion);
  frost.set_reduction(reduction);
  return block;
}

arch::Graph Expand(const v1::Block& block, int channels) {
  return arch::ExpandBlock(block, {8, channels}, 10).value();
}

std::vector<int> Range(int begin, int end) {
  std::vector<int> range(end - begin);
  std::iota(range.begin(), range.end(), begin);
  return range;
}

std::vector<int> Joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const LayerMap& Named(const std::vector<LayerMap>& maps,
                      const std::string& ending) {
  for (const LayerMap& map : maps) {
    if (map.name == "s." + ending) return map;
  }
  ADD_FAILURE() << "no layer s." << ending;
  static const LayerMap* const empty = new LayerMap();
  return *empty;
}

nn::Parameter Parameter(nn::ParameterRole role, std::vector<int> shape) {
  nn::Parameter parameter;
  parameter.role = role;
  parameter.value.resize(
      std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>()));
  parameter.shape = std::move(shape);
  return parameter;
}

TEST(MapLayersTest, PutsTheBlocksInputBehindTheLargestSqueeze) {
  // 32 channels: reduction 4 squeezes to 8 channels, reduction 2 to 16.
  ASSERT_OK_AND_ASSIGN(const auto maps, MapLayers(Expand(Frost(3, 3, 4), 32),
                                                  Expand(Frost(5, 6, 2), 32)));
  ASSERT_THAT(maps, SizeIs(4));
  EXPECT_EQ(maps[0].in_channels, Range(0, 32));
  EXPECT_EQ(maps[0].out_channels, Range(0, 8));
  EXPECT_EQ(maps[1].in_channels, Joined(Range(0, 8), Range(16, 48)));
  EXPECT_EQ(maps[1].out_channels, Range(0, 120));
  EXPECT_EQ(maps[2].out_channels, Range(0, 120));
  EXPECT_THAT(maps[2].taps, ElementsAre(6, 7, 8, 11, 12, 13, 16, 17, 18));
  EXPECT_EQ(maps[3].in_channels, Range(0, 120));
  EXPECT_EQ(maps[3].out_channels, Range(0, 32));
}

TEST(MapLayersTest, PutsABlockWithoutSqueezeBehindTheSqueeze) {
  // 24 channels: reduction 4 leaves the squeeze out, reduction 2 has 16.
  ASSERT_OK_AND_ASSIGN(const auto maps, MapLayers(Expand(Frost(5, 3, 4), 24),
                                                  Expand(Frost(5, 3, 2), 24)));
  ASSERT_THAT(maps, SizeIs(3));
  EXPECT_EQ(maps[0].in_channels, Range(16, 40));
}

TEST(MapLayersTest, MapsABlockOntoItselfOneToOne) {
  const arch::Graph graph = Expand(Frost(5, 6, 2), 32);
  ASSERT_OK_AND_ASSIGN(const auto maps, MapLayers(graph, graph));
  size_t next = 0;
  for (const arch::Layer& layer : graph.layers) {
    if (!layer.has_weights()) continue;
    const LayerMap& map = maps[next++];
    EXPECT_EQ(map.name, layer.name);
    EXPECT_EQ(map.in_channels, Range(0, layer.in.channels));
    EXPECT_EQ(map.out_channels, Range(0, layer.out.channels));
    EXPECT_EQ(map.taps, Range(0, layer.kernel * layer.kernel));
  }
  EXPECT_EQ(next, maps.size());
}

TEST(MapLayersTest, RefusesABlockLargerThanTheLargest) {
  EXPECT_THAT(
      MapLayers(Expand(Frost(5, 3, 4), 32), Expand(Frost(3, 6, 2), 32)),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("larger")));
}

TEST(MapLayersTest, RefusesABlockWithLayersOfItsOwn) {
  v1::Block residual;
  residual.set_name("s");
  auto& kind = *residual.mutable_inverted_residual();
  kind.set_out_channels(32);
  kind.set_kernel(3);
  kind.set_stride(1);
  kind.set_expansion(6);
  kind.set_activation(v1::ACTIVATION_RELU6);
  EXPECT_THAT(MapLayers(Expand(residual, 32), Expand(Frost(5, 6, 2), 32)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(MapElementsTest, ReadsTheMappedElements) {
  LayerMap layer;
  layer.in_channels = {0, 2};
  layer.out_channels = {1};
  layer.taps = {4};
  // Large: 2 x 3 x 3 x 3, element value = its index.
  nn::Parameter large = Parameter(nn::ParameterRole::kWeight, {2, 3, 3, 3});
  std::iota(large.value.begin(), large.value.end(), 0.0f);
  nn::Parameter small = Parameter(nn::ParameterRole::kWeight, {1, 1, 1, 2});
  ASSERT_OK_AND_ASSIGN(const ElementMap map, MapElements(layer, small, large));
  GatherElements(map, large.value, absl::MakeSpan(small.value));
  // Row 1 (27), tap 4 (12), columns 0 and 2.
  EXPECT_THAT(small.value, ElementsAre(39, 41));
}

TEST(MapElementsTest, RefusesAMapBeyondTheLargeParameter) {
  LayerMap layer;
  layer.out_channels = {7};
  EXPECT_THAT(MapElements(layer, Parameter(nn::ParameterRole::kNorm, {1}),
                          Parameter(nn::ParameterRole::kNorm, {4})),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(MapElementsTest, ScatterIsTheAdjointOfGather) {
  ASSERT_OK_AND_ASSIGN(const auto maps, MapLayers(Expand(Frost(3, 3, 4), 32),
                                                  Expand(Frost(5, 6, 2), 32)));
  nn::Parameter large = Parameter(nn::ParameterRole::kWeight, {288, 1, 1, 48});
  nn::Parameter small = Parameter(nn::ParameterRole::kWeight, {120, 1, 1, 40});
  ASSERT_OK_AND_ASSIGN(const ElementMap map,
                       MapElements(Named(maps, "expand"), small, large));
  Random random(1);
  // Small integers, so that both sums are exact.
  for (float& x : large.value) x = static_cast<float>(random.UniformInt(7));
  std::vector<float> y(small.value.size());
  for (float& value : y) value = static_cast<float>(random.UniformInt(7));
  GatherElements(map, large.value, absl::MakeSpan(small.value));
  large.grad.assign(large.value.size(), 0);
  ScatterAddElements(map, y, absl::MakeSpan(large.grad));
  const auto dot = [](const std::vector<float>& a,
                      const std::vector<float>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  EXPECT_EQ(dot(small.value, y), dot(large.value, large.grad));
  EXPECT_GT(dot(small.value, y), 0);
}

TEST(LargestBlockTest, TakesTheLargestOfEveryElasticField) {
  ASSERT_OK_AND_ASSIGN(
      const v1::Block largest,
      LargestBlock({Frost(5, 3, 4), Frost(3, 6, 4), Frost(3, 3, 2)}));
  EXPECT_EQ(largest.frost().kernel(), 5);
  EXPECT_EQ(largest.frost().expansion(), 6);
  EXPECT_EQ(largest.frost().reduction(), 2);
}

TEST(LargestBlockTest, RefusesBlocksThatDifferOtherwise) {
  v1::Block strided = Frost(3, 3, 4);
  strided.mutable_frost()->set_stride(2);
  EXPECT_THAT(LargestBlock({Frost(3, 3, 4), strided}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(LargestBlock({Frost(3, 3, 4), Frost(3, 1, 4)}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace frostnas::search

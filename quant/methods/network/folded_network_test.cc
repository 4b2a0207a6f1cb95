#include "quant/methods/network/folded_network.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointwise;

v1::Architecture OneConv(bool norm_after) {
  v1::Architecture architecture;
  architecture.set_input_size(8);
  architecture.set_input_channels(1);
  architecture.set_num_classes(2);
  v1::Block& block = *architecture.add_blocks();
  block.set_name("stem");
  block.mutable_conv()->set_out_channels(2);
  block.mutable_conv()->set_kernel(1);
  block.mutable_conv()->set_stride(1);
  block.mutable_conv()->set_activation(v1::ACTIVATION_RELU);
  block.mutable_conv()->set_norm_after_activation(norm_after);
  v1::Block& classifier = *architecture.add_blocks();
  classifier.set_name("classifier");
  classifier.mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

// Two channels: gamma 3 and -1, beta 1 and 2, mean 0.5 and 4, deviation 2 and
// 0.5 (less epsilon).
v1::FloatNetwork ByHand(bool norm_after) {
  v1::FloatNetwork trained = RandomFloatNetwork(OneConv(norm_after), 1);
  const std::string layer =
      arch::ExpandArchitecture(trained.architecture())->layers[0].name;
  SetTensor(layer + ".weight", {0.5f, -0.25f}, trained);
  SetTensor(layer + ".gamma", {3, -1}, trained);
  SetTensor(layer + ".beta", {1, 2}, trained);
  SetTensor(layer + ".mean", {0.5f, 4}, trained);
  SetTensor(layer + ".var", {4, 0.25f}, trained);
  if (norm_after) SetTensor(layer + ".bias", {0.1f, 0.2f}, trained);
  return trained;
}

TEST(FoldTest, NormGoesIntoWeightsAndBias) {
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(ByHand(false), {.epsilon = 0}));
  // Factors 3 / 2 and -1 / 0.5.
  EXPECT_THAT(folded.layers[0].weights, ElementsAre(0.75f, 0.5f));
  EXPECT_THAT(folded.layers[0].bias, ElementsAre(0.25f, 10.0f));
  EXPECT_THAT(folded.layers[0].post_scale, IsEmpty());
  EXPECT_THAT(folded.layers[1].weights, IsEmpty());  // pooling
}

TEST(FoldTest, NormAfterTheActivationStays) {
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(ByHand(true), {.epsilon = 0}));
  EXPECT_THAT(folded.layers[0].weights, ElementsAre(0.5f, -0.25f));
  EXPECT_THAT(folded.layers[0].bias, ElementsAre(0.1f, 0.2f));
  EXPECT_THAT(folded.layers[0].post_scale, ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(folded.layers[0].post_shift, ElementsAre(0.25f, 10.0f));
}

// Largest difference of two networks' logits on random images, over the
// largest logit.
double LogitDifference(const v1::FloatNetwork& trained,
                       const FoldedNetwork& folded) {
  nn::SetComputeThreads(1);
  auto before = nn::Network::Create(folded.graph, {}).value();
  EXPECT_OK(before->Load(trained, /*require_all=*/true));
  auto after = FloatNetworkOf(folded).value();
  const nn::ImageSet images = RandomImages(trained.architecture(), 32, 7);
  nn::Loader loader(images, trained.dataset(), {.batch = 32});
  loader.StartEpoch(0);
  const nn::Batch& batch = *loader.Next();
  const nn::Tensor& a = before->Forward(batch.images, nn::Mode::kEval);
  const nn::Tensor& b = after->Forward(batch.images, nn::Mode::kEval);
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < a.elements(); ++i) {
    largest = std::max(largest, std::abs(double{a.data()[i]}));
    difference =
        std::max(difference, std::abs(double{a.data()[i]} - b.data()[i]));
  }
  // Random networks may be dead: all logits 0.
  return largest > 0 ? difference / largest : difference;
}

TEST(FoldTest, ComputesTheSameAsTheTrainedNetwork) {
  std::vector<v1::Architecture> architectures = {
      EveryLayerArchitecture(), NormAfterActivationArchitecture()};
  for (uint64_t seed = 0; seed < 5; ++seed) {
    architectures.push_back(RandomArchitecture(seed));
  }
  for (const v1::Architecture& architecture : architectures) {
    SCOPED_TRACE(architecture.ShortDebugString());
    const v1::FloatNetwork trained = RandomFloatNetwork(architecture, 3);
    ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded, Fold(trained));
    EXPECT_LE(LogitDifference(trained, folded), 1e-4);
  }
}

TEST(FoldTest, TensorsComeBackAsTheyWent) {
  ASSERT_OK_AND_ASSIGN(
      const FoldedNetwork folded,
      Fold(RandomFloatNetwork(NormAfterActivationArchitecture(), 3)));
  const v1::FloatNetwork tensors = TensorsOf(folded);
  const std::string layer = folded.graph.layers[0].name;
  EXPECT_THAT(GetTensor(tensors, layer + ".weight"),
              Pointwise(FloatEq(), folded.layers[0].weights));
}

// Sheng et al.: a channel that never fired takes the others' mean variance.
TEST(FoldTest, ChannelsWithoutVarianceTakeTheOthersMean) {
  v1::FloatNetwork trained = ByHand(false);
  const std::string layer =
      arch::ExpandArchitecture(trained.architecture())->layers[0].name;
  SetTensor(layer + ".var", {4, 1e-12f}, trained);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork plain, Fold(trained));
  EXPECT_GT(plain.layers[0].weights[1], 70);  // 0.25 / sqrt(1e-5)
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork mended,
                       Fold(trained, {.epsilon = 0, .min_variance = 1e-6}));
  EXPECT_FLOAT_EQ(mended.layers[0].weights[0], 0.75f);
  EXPECT_FLOAT_EQ(mended.layers[0].weights[1], 0.125f);  // -0.25 * (-1 / 2)
  EXPECT_FLOAT_EQ(mended.layers[0].bias[1], 4);          // 2 + 4 / 2
}

TEST(FoldTest, AllChannelsWithoutVarianceStayAsTheyAre) {
  v1::FloatNetwork trained = ByHand(false);
  const std::string layer =
      arch::ExpandArchitecture(trained.architecture())->layers[0].name;
  SetTensor(layer + ".var", {0, 0}, trained);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(trained, {.min_variance = 1e-6}));
  for (float weight : folded.layers[0].weights) {
    EXPECT_TRUE(std::isfinite(weight));
  }
}

TEST(FoldTest, RefusesWhatIsNotFiniteAndNamesIt) {
  const v1::FloatNetwork good = ByHand(false);
  const std::string layer =
      arch::ExpandArchitecture(good.architecture())->layers[0].name;
  for (const char* suffix : {".weight", ".gamma", ".beta", ".mean", ".var"}) {
    v1::FloatNetwork trained = good;
    SetTensor(layer + suffix, {std::numeric_limits<float>::quiet_NaN(), 1},
              trained);
    EXPECT_THAT(Fold(trained), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr(layer + suffix)));
  }
}

TEST(FoldTest, RefusesAFactorThatIsNotFinite) {
  v1::FloatNetwork trained = ByHand(false);
  const std::string layer =
      arch::ExpandArchitecture(trained.architecture())->layers[0].name;
  SetTensor(layer + ".gamma", {3e38f, 1}, trained);
  SetTensor(layer + ".var", {0, 1}, trained);
  EXPECT_THAT(Fold(trained),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(layer)));
}

TEST(FoldTest, RefusesWhatIsMissing) {
  v1::FloatNetwork trained = ByHand(false);
  trained.clear_architecture();
  EXPECT_THAT(Fold(trained), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("architecture")));
  trained = ByHand(false);
  trained.mutable_dataset()->clear_mean();
  EXPECT_THAT(Fold(trained), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("dataset has")));
  trained = ByHand(false);
  trained.mutable_tensors()->RemoveLast();
  EXPECT_THAT(Fold(trained), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("is missing")));
}

}  // namespace
}  // namespace frostnas::quant

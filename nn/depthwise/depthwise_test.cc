#include "nn/depthwise/depthwise.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_conv.h"
#include "nn/testing/each_target.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

std::vector<ConvShape> ShapesFromFile() {
  std::ifstream file("nn/depthwise/shapes_depthwise.txt");
  std::vector<ConvShape> shapes;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ConvShape s;
    std::istringstream(line) >> s.n >> s.h >> s.w >> s.c_in >> s.kernel >>
        s.stride;
    s.c_out = s.c_in;
    shapes.push_back(s);
  }
  return shapes;
}

// Small integers: products and sums are exact, so any order gives one result.
std::vector<float> SmallIntegers(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(random.UniformInt(9)) - 4;
  }
  return values;
}

// All three functions against the reference.
void ExpectReference(const ConvShape& s) {
  const std::vector<float> src = SmallIntegers(s.src_elements(), 1);
  const std::vector<float> weights = SmallIntegers(s.depthwise_weights(), 2);
  const std::vector<float> diff_dst = SmallIntegers(s.dst_elements(), 3);

  std::vector<float> dst(diff_dst.size(), -99), expected(diff_dst.size());
  DepthwiseForward(s, src.data(), weights.data(), dst.data());
  reference::DepthwiseForward(s, src.data(), weights.data(), expected.data());
  EXPECT_EQ(dst, expected) << "forward, " << s.ToString();

  std::vector<float> diff_src(src.size(), -99), expected_src(src.size());
  DepthwiseBackwardData(s, diff_dst.data(), weights.data(), diff_src.data());
  reference::DepthwiseBackwardData(s, diff_dst.data(), weights.data(),
                                   expected_src.data());
  EXPECT_EQ(diff_src, expected_src) << "backward data, " << s.ToString();

  // Gradients of weights are added to what is there.
  std::vector<float> diff_weights = SmallIntegers(s.depthwise_weights(), 4);
  std::vector<float> expected_weights = diff_weights;
  DepthwiseBackwardWeights(s, src.data(), diff_dst.data(), diff_weights.data());
  reference::DepthwiseBackwardWeights(s, src.data(), diff_dst.data(),
                                      expected_weights.data());
  EXPECT_EQ(diff_weights, expected_weights)
      << "backward weights, " << s.ToString();
}

using DepthwiseTest = EachTargetTest;

TEST_P(DepthwiseTest, EqualsTheReferenceOnIntegers) {
  const std::vector<ConvShape> shapes = ShapesFromFile();
  ASSERT_GT(shapes.size(), 20);
  for (const ConvShape& shape : shapes) ExpectReference(shape);
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, DepthwiseTest, EachTarget(),
                         TargetName);

TEST(DepthwiseThreadsTest, RepeatsExactlyForOneThreadCount) {
  const ConvShape s = {
      .n = 8, .h = 16, .w = 16, .c_in = 40, .c_out = 40, .kernel = 5};
  Random random(5);
  std::vector<float> src(s.src_elements()), diff_dst(s.dst_elements());
  for (float& value : src) value = random.UniformFloat();
  for (float& value : diff_dst) value = random.UniformFloat();
  for (const int threads : {1, 2, 3}) {
    SetComputeThreads(threads);
    std::vector<float> first(s.depthwise_weights()), second(first);
    DepthwiseBackwardWeights(s, src.data(), diff_dst.data(), first.data());
    DepthwiseBackwardWeights(s, src.data(), diff_dst.data(), second.data());
    EXPECT_EQ(first, second) << threads << " threads";
  }
}

}  // namespace
}  // namespace frostnas::nn

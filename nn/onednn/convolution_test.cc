#include "nn/onednn/convolution.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_conv.h"

namespace frostnas::nn {
namespace {

std::vector<ConvShape> ShapesFromFile() {
  std::ifstream file("nn/onednn/shapes_conv.txt");
  std::vector<ConvShape> shapes;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ConvShape s;
    std::istringstream(line) >> s.n >> s.h >> s.w >> s.c_in >> s.c_out >>
        s.kernel >> s.stride;
    shapes.push_back(s);
  }
  return shapes;
}

std::vector<float> SmallIntegers(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(random.UniformInt(9)) - 4;
  }
  return values;
}

// oneDNN may take a Winograd-free direct kernel only, so integers stay exact.
void ExpectReference(const ConvShape& s) {
  OnednnConvolution convolution(s);
  const std::vector<float> src = SmallIntegers(s.src_elements(), 1);
  const std::vector<float> weights = SmallIntegers(s.dense_weights(), 2);
  const std::vector<float> diff_dst = SmallIntegers(s.dst_elements(), 3);

  std::vector<float> dst(diff_dst.size(), -99), expected(diff_dst.size());
  convolution.Forward(src.data(), weights.data(), dst.data());
  reference::ConvForward(s, src.data(), weights.data(), expected.data());
  EXPECT_EQ(dst, expected) << "forward, " << s.ToString();

  std::vector<float> diff_src(src.size(), -99), expected_src(src.size());
  convolution.BackwardData(diff_dst.data(), weights.data(), diff_src.data());
  reference::ConvBackwardData(s, diff_dst.data(), weights.data(),
                              expected_src.data());
  EXPECT_EQ(diff_src, expected_src) << "backward data, " << s.ToString();

  std::vector<float> diff_weights = SmallIntegers(s.dense_weights(), 4);
  std::vector<float> expected_weights = diff_weights;
  convolution.BackwardWeights(src.data(), diff_dst.data(), diff_weights.data());
  reference::ConvBackwardWeights(s, src.data(), diff_dst.data(),
                                 expected_weights.data());
  EXPECT_EQ(diff_weights, expected_weights)
      << "backward weights, " << s.ToString();
}

TEST(OnednnConvolutionTest, EqualsTheReferenceOnIntegers) {
  const std::vector<ConvShape> shapes = ShapesFromFile();
  ASSERT_GT(shapes.size(), 5);
  for (const ConvShape& shape : shapes) ExpectReference(shape);
}

TEST(OnednnConvolutionTest, SeesWeightsThatChangedBetweenCalls) {
  const ConvShape s = {
      .n = 1, .h = 4, .w = 4, .c_in = 2, .c_out = 3, .kernel = 3};
  OnednnConvolution convolution(s);
  const std::vector<float> src = SmallIntegers(s.src_elements(), 1);
  std::vector<float> weights = SmallIntegers(s.dense_weights(), 2);
  std::vector<float> once(s.dst_elements()), twice(once);
  convolution.Forward(src.data(), weights.data(), once.data());
  for (float& weight : weights) weight *= 2;
  convolution.Forward(src.data(), weights.data(), twice.data());
  for (size_t i = 0; i < once.size(); ++i) EXPECT_EQ(twice[i], 2 * once[i]);
}

}  // namespace
}  // namespace frostnas::nn

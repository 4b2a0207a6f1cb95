#include "quant/testing/architectures.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace frostnas::quant {
namespace {

constexpr v1::Activation kActivations[] = {
    v1::ACTIVATION_NONE, v1::ACTIVATION_RELU, v1::ACTIVATION_RELU6};

class Builder {
 public:
  Builder(int input_size, int input_channels, int classes) {
    result_.set_name("test");
    result_.set_input_size(input_size);
    result_.set_input_channels(input_channels);
    result_.set_num_classes(classes);
  }

  void Conv(int channels, int kernel, int stride, v1::Activation activation) {
    v1::ConvBlock& conv = *AddBlock().mutable_conv();
    conv.set_out_channels(channels);
    conv.set_kernel(kernel);
    conv.set_stride(stride);
    conv.set_activation(activation);
  }
  void NormedConv(int channels, v1::Activation activation) {
    Conv(channels, 3, 1, activation);
    result_.mutable_blocks()
        ->rbegin()
        ->mutable_conv()
        ->set_norm_after_activation(true);
  }
  v1::FrostBlock& Frost(int channels, int kernel, int stride) {
    v1::FrostBlock& frost = *AddBlock().mutable_frost();
    frost.set_out_channels(channels);
    frost.set_kernel(kernel);
    frost.set_stride(stride);
    frost.set_expansion(3);
    frost.set_reduction(2);
    return frost;
  }
  v1::InvertedResidualBlock& Inverted(int channels, int kernel, int stride) {
    v1::InvertedResidualBlock& block = *AddBlock().mutable_inverted_residual();
    block.set_out_channels(channels);
    block.set_kernel(kernel);
    block.set_stride(stride);
    block.set_expansion(2);
    block.set_activation(v1::ACTIVATION_RELU6);
    return block;
  }
  v1::SeparableBlock& Separable(int channels, int kernel, int stride) {
    v1::SeparableBlock& block = *AddBlock().mutable_separable();
    block.set_out_channels(channels);
    block.set_kernel(kernel);
    block.set_stride(stride);
    block.set_activation(v1::ACTIVATION_RELU);
    return block;
  }
  void Pool(int kernel, int stride) {
    v1::PoolBlock& pool = *AddBlock().mutable_pool();
    pool.set_kernel(kernel);
    pool.set_stride(stride);
  }
  v1::Architecture Classifier(v1::GlobalPool pool) {
    v1::ClassifierBlock& classifier = *AddBlock().mutable_classifier();
    classifier.set_pool(pool);
    classifier.set_dropout(0.1f);
    return result_;
  }

 private:
  v1::Block& AddBlock() {
    v1::Block& block = *result_.add_blocks();
    block.set_name(absl::StrCat("b", result_.blocks_size()));
    return block;
  }

  v1::Architecture result_;
};

int Pick(Random& random, int low, int high) {
  return low + static_cast<int>(random.UniformInt(high - low + 1));
}

int OddKernel(Random& random, int largest) {
  return 1 + 2 * Pick(random, 0, (largest - 1) / 2);
}

void AddRandomBlock(Random& random, Builder& builder) {
  // Half of the blocks keep 16 channels and stride 1, so that adds appear.
  const bool keep = random.Bernoulli(0.5);
  const int channels = keep ? 16 : Pick(random, 1, 40);
  const int stride = keep ? 1 : Pick(random, 1, 2);
  switch (random.UniformInt(5)) {
    case 0:
      return builder.Conv(channels, OddKernel(random, 5), stride,
                          kActivations[random.UniformInt(3)]);
    case 1: {
      v1::FrostBlock& frost =
          builder.Frost(channels, 3 + 2 * Pick(random, 0, 1), stride);
      frost.set_expansion(Pick(random, 1, 4));
      frost.set_reduction(Pick(random, 1, 3));
      return;
    }
    case 2:
      builder.Inverted(channels, 3 + 2 * Pick(random, 0, 1), stride)
          .set_expansion(Pick(random, 1, 4));
      return;
    case 3: {
      v1::SeparableBlock& block =
          builder.Separable(channels, 3 + 2 * Pick(random, 0, 1), stride);
      block.set_quantization_friendly(random.Bernoulli(0.5));
      return;
    }
    default:
      // On a 1 x 1 map a window would not fit.
      return builder.Conv(channels, 1, 1, v1::ACTIVATION_RELU);
  }
}

// What stands between the first block and the classifier.
void AddEveryLayer(Builder& builder) {
  builder.Pool(2, 2);
  builder.Frost(16, 3, 1).set_expansion(1);
  builder.Frost(16, 5, 1);
  builder.Frost(24, 3, 2);
  builder.Inverted(24, 3, 1);
  builder.Separable(32, 3, 1);
  builder.Separable(32, 3, 1).set_quantization_friendly(true);
}

}  // namespace

v1::Architecture EveryLayerArchitecture() {
  Builder builder(16, 3, 10);
  builder.Conv(16, 3, 1, v1::ACTIVATION_RELU);
  AddEveryLayer(builder);
  builder.Conv(64, 1, 1, v1::ACTIVATION_RELU);
  return builder.Classifier(v1::GLOBAL_POOL_AVERAGE);
}

v1::Architecture NormAfterActivationArchitecture() {
  Builder builder(16, 3, 10);
  builder.NormedConv(16, v1::ACTIVATION_RELU);
  AddEveryLayer(builder);
  builder.NormedConv(40, v1::ACTIVATION_RELU6);
  return builder.Classifier(v1::GLOBAL_POOL_MAX);
}

v1::Architecture RandomArchitecture(uint64_t seed) {
  Random random(seed);
  Builder builder(Pick(random, 8, 24), random.Bernoulli(0.5) ? 3 : 1,
                  Pick(random, 2, 30));
  builder.Conv(16, 3, 1, v1::ACTIVATION_RELU);
  if (random.Bernoulli(0.3)) builder.Pool(3, Pick(random, 1, 2));
  const int blocks = Pick(random, 3, 7);
  for (int i = 0; i < blocks; ++i) AddRandomBlock(random, builder);
  return builder.Classifier(random.Bernoulli(0.3) ? v1::GLOBAL_POOL_MAX
                                                  : v1::GLOBAL_POOL_AVERAGE);
}

}  // namespace frostnas::quant

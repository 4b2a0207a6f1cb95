// The oneDNN executor against the integer reference, layer by layer. Built
// once and run once an instruction set (ONEDNN_MAX_CPU_ISA, see BUILD.bazel).
#include "quant/testing/agreement.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/layer_params.h"
#include "quant/onednn/isa.h"
#include "quant/quantized_graph.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr ExecutorOptions kKeep = {.keep_layer_outputs = true};

void ExpectSameBits(const QuantizedGraph& quantized,
                    const std::vector<uint8_t>& input, int batch) {
  ASSERT_OK_AND_ASSIGN(const auto onednn,
                       CreateOnednnExecutor(quantized, kKeep));
  ExpectSameBits(quantized, input, batch, *onednn);
}

void ExpectSameBits(const QuantizedGraph& quantized, int batch,
                    int threads = 1) {
  nn::SetComputeThreads(threads);
  ExpectSameBits(quantized, RandomInput(quantized, batch, 7), batch);
}

TEST(OnednnAgreementTest, EveryKindOfLayer) {
  const QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 1);
  ExpectSameBits(quantized, 1);
  ExpectSameBits(quantized, 5, /*threads=*/2);
}

TEST(OnednnAgreementTest, RandomNetworks) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    ExpectSameBits(Quantize(RandomArchitecture(seed), seed), 2);
  }
}

TEST(OnednnAgreementTest, BoundsOnEveryKindOfLayer) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    ExpectSameBits(BoundedNetwork(seed), 3, /*threads=*/2);
  }
}

TEST(OnednnAgreementTest, Presets) {
  for (const char* name :
       {"frostnet_small", "mobilenet_v1", "mobilenet_v2", "goyal_sequential"}) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(
            name, {.width = 0.35, .input_size = 32, .num_classes = 10}));
    ExpectSameBits(Quantize(architecture, 9), 1);
  }
}

TEST(OnednnAgreementTest, SharedBuffersGiveTheSameOutput) {
  QuantizedGraph quantized = Quantize(NormAfterActivationArchitecture(), 3);
  AddRandomBounds(3, quantized);
  ASSERT_OK_AND_ASSIGN(const auto reference,
                       CreateReferenceExecutor(quantized));
  ASSERT_OK_AND_ASSIGN(const auto onednn, CreateOnednnExecutor(quantized));
  // Chunks of several sizes, some of which overlap.
  for (int threads : {1, 2, 3}) {
    const nn::ScopedComputeThreads scoped(threads);
    for (int batch : {1, 3, 64, 101, 3}) {
      const std::vector<uint8_t> input = RandomInput(quantized, batch, batch);
      const auto expected = reference->RunQuantized(input, batch);
      EXPECT_EQ(expected, onednn->RunQuantized(input, batch))
          << batch << " images, " << threads << " threads";
    }
  }
}

TEST(OnednnAgreementTest, ExtremeValuesDoNotSaturate) {
  const QuantizedGraph quantized = ExtremeNetwork();
  for (uint8_t value : {0, 255}) {
    ExpectSameBits(quantized,
                   std::vector<uint8_t>(Elements(quantized.graph.input), value),
                   1);
  }
}

TEST(OnednnAgreementTest, TiesRoundToEven) {
  ExpectSameBits(NetworkOfTies(), 3);
}

TEST(OnednnAgreementTest, NamesItsInstructionSetAndKernels) {
  ASSERT_OK_AND_ASSIGN(const auto onednn, CreateOnednnExecutor(Quantize(
                                              EveryLayerArchitecture(), 6)));
  EXPECT_THAT(onednn->description(), HasSubstr("onednn 2."));
  EXPECT_THAT(onednn->description(), HasSubstr(DetectInt8Isa().name));
  for (const std::string& kernel : onednn->kernels()) {
    EXPECT_THAT(kernel, Not(HasSubstr("ref:"))) << "a slow kernel";
  }
}

// What "AVX3_DL" stands for has VNNI, as have matrix registers.
TEST(OnednnAgreementTest, ConvolvesByVnniWhereTheProcessorHasIt) {
  if (!DetectInt8Isa().vnni512) {
    GTEST_SKIP() << "no VNNI on vectors of 512 bits here";
  }
  ASSERT_OK_AND_ASSIGN(
      const v1::Architecture architecture,
      arch::PresetArchitecture(
          "frostnet_small",
          {.width = 0.5, .input_size = 32, .num_classes = 10}));
  ASSERT_OK_AND_ASSIGN(const auto onednn,
                       CreateOnednnExecutor(Quantize(architecture, 6)));
  for (const std::string& kernel : onednn->kernels()) {
    EXPECT_THAT(kernel, AnyOf(HasSubstr("vnni"), HasSubstr("amx_int8"),
                              HasSubstr("AVX3_DL")));
  }
}

}  // namespace
}  // namespace frostnas::quant

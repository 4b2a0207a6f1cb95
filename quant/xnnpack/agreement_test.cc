// The XNNPACK executor against the integer reference, layer by layer.
#include "quant/testing/agreement.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/executor.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"
#include "quant/quantized_graph.h"
#include "quant/testing/architectures.h"
#include "quant/xnnpack/runtime.h"
#include "quant/xnnpack/xnnpack_executor.h"

namespace frostnas::quant {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

void ExpectSameBits(const QuantizedGraph& quantized,
                    const std::vector<uint8_t>& input, int batch,
                    int threads = 1) {
  ASSERT_OK_AND_ASSIGN(
      const auto xnnpack,
      CreateXnnpackExecutor(quantized,
                            {.threads = threads, .keep_layer_outputs = true}));
  ExpectSameBits(quantized, input, batch, *xnnpack);
}

void ExpectSameBits(const QuantizedGraph& quantized, int batch,
                    int threads = 1) {
  ExpectSameBits(quantized, RandomInput(quantized, batch, 7), batch, threads);
}

TEST(XnnpackAgreementTest, EveryKindOfLayer) {
  const QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 1);
  for (int threads : {1, 2}) {
    for (int batch : {1, 64}) ExpectSameBits(quantized, batch, threads);
  }
}

// Every kernel, stride, activation; odd channels; both global pools.
TEST(XnnpackAgreementTest, RandomNetworks) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    ExpectSameBits(Quantize(RandomArchitecture(seed), seed), 3);
  }
}

TEST(XnnpackAgreementTest, BoundsOnEveryKindOfLayer) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    ExpectSameBits(BoundedNetwork(seed), 3, /*threads=*/2);
  }
}

TEST(XnnpackAgreementTest, Presets) {
  for (const char* name :
       {"frostnet_small", "mobilenet_v1", "mobilenet_v2", "goyal_sequential"}) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(
            name, {.width = 0.35, .input_size = 32, .num_classes = 10}));
    ExpectSameBits(Quantize(architecture, 9), 2);
  }
}

// A residual's other side is copied, a squeeze lies in its concatenation, and
// buffers are used again: none may change a bit, nor batches and threads.
TEST(XnnpackAgreementTest, SharedBuffersGiveTheSameOutput) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    QuantizedGraph quantized = Quantize(RandomArchitecture(seed), seed);
    AddRandomBounds(seed, quantized);
    ASSERT_OK_AND_ASSIGN(
        const auto kept,
        CreateXnnpackExecutor(quantized, {.keep_layer_outputs = true}));
    for (int threads : {1, 2}) {
      ASSERT_OK_AND_ASSIGN(
          const auto shared,
          CreateXnnpackExecutor(quantized, {.threads = threads}));
      for (int batch : {1, 64, 3}) {
        const std::vector<uint8_t> input = RandomInput(quantized, batch, batch);
        EXPECT_EQ(kept->RunQuantized(input, batch),
                  shared->RunQuantized(input, batch))
            << batch << " images, " << threads << " threads";
      }
    }
  }
}

TEST(XnnpackAgreementTest, ExtremeValuesDoNotSaturate) {
  const QuantizedGraph quantized = ExtremeNetwork();
  for (uint8_t value : {0, 255}) {
    ExpectSameBits(quantized,
                   std::vector<uint8_t>(Elements(quantized.graph.input), value),
                   1);
  }
}

TEST(XnnpackAgreementTest, TiesRoundToEven) {
  ExpectSameBits(NetworkOfTies(), 3);
}

// Grids of any scale and zero point that a package may have.
TEST(XnnpackAgreementTest, AnyGrids) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    QuantizedGraph quantized = Quantize(RandomArchitecture(seed), seed);
    const GridGroups groups(quantized.graph);
    Random random(seed);
    std::vector<v1::ActivationGrid> grids(groups.num_groups());
    for (v1::ActivationGrid& grid : grids) {
      grid.set_scale(static_cast<float>(std::exp2(random.Uniform(-12, 4))));
      grid.set_zero_point(static_cast<int>(random.UniformInt(256)));
    }
    quantized.input = grids[groups.group(arch::kGraphInput)];
    for (size_t i = 0; i < quantized.layers.size(); ++i) {
      *quantized.layers[i].mutable_output() =
          grids[groups.group(static_cast<int>(i))];
    }
    ASSERT_OK(ValidateQuantizedGraph(quantized));
    ExpectSameBits(quantized, 2);
  }
}

// Logits on a grid more than 2^8 times finer than the sums, and a ReLU without
// room above zero.
TEST(XnnpackAgreementTest, WhatXnnpackCannotDoIsDoneByTheReferenceAndNamed) {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 6);
  v1::PackageLayer& relu = quantized.layers.front();
  v1::PackageLayer& logits = quantized.layers.back();
  for (v1::PackageLayer* layer : {&relu, &quantized.layers[1]}) {
    layer->mutable_output()->set_zero_point(255);
  }
  logits.mutable_output()->set_scale(1e-8f);
  ASSERT_OK(ValidateQuantizedGraph(quantized));
  ASSERT_OK_AND_ASSIGN(const auto xnnpack, CreateXnnpackExecutor(quantized));
  for (const v1::PackageLayer* layer : {&relu, &logits}) {
    EXPECT_THAT(xnnpack->kernels(),
                Contains(HasSubstr(layer->name() + ": reference")));
  }
  ExpectSameBits(quantized, 2);
}

TEST(XnnpackAgreementTest, NamesItsVersionInstructionSetAndKernels) {
  ASSERT_OK_AND_ASSIGN(const auto xnnpack, CreateXnnpackExecutor(Quantize(
                                               EveryLayerArchitecture(), 6)));
  EXPECT_THAT(xnnpack->description(), HasSubstr("xnnpack 0.0~git2022"));
  EXPECT_THAT(xnnpack->description(), HasSubstr(XnnpackIsa()));
  EXPECT_NE(XnnpackIsa(), "unknown");
  EXPECT_THAT(xnnpack->kernels(), Each(Not(HasSubstr("reference"))));
}

}  // namespace
}  // namespace frostnas::quant

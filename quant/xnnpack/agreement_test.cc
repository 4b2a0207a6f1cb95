// The XNNPACK executor against the integer reference: layer by layer on the
// same inputs, and whole networks within the contract of design.md 5.
#include "quant/testing/agreement.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "arch/graph.h"
#include "arch/presets.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/executor.h"
#include "quant/kernels/reference_layer.h"
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

QuantizedGraph Quantize(const v1::Architecture& architecture, uint64_t seed) {
  return RandomQuantizedGraph(arch::ExpandArchitecture(architecture).value(),
                              seed);
}

struct Steps {
  int64_t values = 0;
  int64_t different = 0;
  int largest = 0;

  void Add(absl::Span<const uint8_t> want, absl::Span<const uint8_t> got) {
    ASSERT_EQ(want.size(), got.size());
    for (size_t i = 0; i < want.size(); ++i) {
      const int step = std::abs(want[i] - got[i]);
      ++values;
      different += step > 0 ? 1 : 0;
      largest = std::max(largest, step);
    }
  }
};

// The reference runs every layer on what XNNPACK gave for the layers before.
Steps CompareOnSameInputs(const QuantizedGraph& quantized, int index,
                          const Executor& xnnpack,
                          absl::Span<const uint8_t> input) {
  const auto tensor = [&](int of) {
    return of == arch::kGraphInput ? input : xnnpack.layer_output(of);
  };
  const std::vector<int>& inputs = quantized.graph.layers[index].inputs;
  const absl::Span<const uint8_t> got = xnnpack.layer_output(index);
  std::vector<uint8_t> want(got.size());
  RunReferenceLayer(quantized, index,
                    {.batch = static_cast<int>(input.size() /
                                               Elements(quantized.graph.input)),
                     .a = tensor(inputs[0]),
                     .b = tensor(inputs.back()),
                     .dst = absl::MakeSpan(want)});
  Steps steps;
  steps.Add(want, got);
  return steps;
}

// Additions may be one step away in one value of a thousand; every other layer
// gives the reference's bits.
void ExpectLayersAgree(const QuantizedGraph& quantized, int batch,
                       int threads = 1) {
  ASSERT_OK_AND_ASSIGN(
      const auto xnnpack,
      CreateXnnpackExecutor(quantized,
                            {.threads = threads, .keep_layer_outputs = true}));
  const std::vector<uint8_t> input = RandomInput(quantized, batch, 7);
  xnnpack->RunQuantized(input, batch);
  Steps adds;
  for (size_t i = 0; i < quantized.graph.layers.size(); ++i) {
    const arch::Layer& layer = quantized.graph.layers[i];
    const Steps steps =
        CompareOnSameInputs(quantized, static_cast<int>(i), *xnnpack, input);
    if (layer.kind == arch::LayerKind::kAdd) {
      EXPECT_LE(steps.largest, 1) << layer.name;
      adds.values += steps.values;
      adds.different += steps.different;
    } else {
      EXPECT_EQ(steps.different, 0) << layer.name << " of " << steps.values
                                    << ", up to " << steps.largest;
    }
  }
  EXPECT_LE(adds.different, 1 + adds.values / 1000) << adds.values;
}

TEST(XnnpackAgreementTest, EveryKindOfLayer) {
  const QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 1);
  for (int threads : {1, 2}) {
    for (int batch : {1, 64}) ExpectLayersAgree(quantized, batch, threads);
  }
}

// Every kernel, stride, activation; odd channels; both global pools.
TEST(XnnpackAgreementTest, RandomNetworks) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    ExpectLayersAgree(Quantize(RandomArchitecture(seed), seed), 3);
  }
}

TEST(XnnpackAgreementTest, Presets) {
  for (const char* name : {"frostnet_small", "mobilenet_v1", "mobilenet_v2"}) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(
            name, {.width = 0.35, .input_size = 32, .num_classes = 10}));
    ExpectLayersAgree(Quantize(architecture, 9), 2);
  }
}

// A residual's other side is copied, a squeeze lies in its concatenation:
// neither may change a bit. Batches and threads neither.
TEST(XnnpackAgreementTest, SharedBuffersGiveTheSameOutput) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    const QuantizedGraph quantized = Quantize(RandomArchitecture(seed), seed);
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

// Largest logit of each image, the first of equals.
std::vector<int64_t> Labels(absl::Span<const uint8_t> logits, int64_t classes) {
  std::vector<int64_t> labels;
  for (size_t at = 0; at < logits.size(); at += classes) {
    const auto image = logits.subspan(at, classes);
    labels.push_back(std::max_element(image.begin(), image.end()) -
                     image.begin());
  }
  return labels;
}

// All inputs and weights at their ends: sums that 16 bits cannot hold.
TEST(XnnpackAgreementTest, ExtremeValuesDoNotSaturate) {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 4);
  for (v1::PackageLayer& layer : quantized.layers) {
    for (char& weight : *layer.mutable_weights()) {
      weight = weight < 0 ? -127 : 127;
    }
  }
  for (uint8_t value : {0, 255}) {
    ASSERT_OK_AND_ASSIGN(
        const auto xnnpack,
        CreateXnnpackExecutor(quantized, {.keep_layer_outputs = true}));
    const std::vector<uint8_t> input(Elements(quantized.graph.input), value);
    xnnpack->RunQuantized(input, 1);
    for (size_t i = 0; i < quantized.layers.size(); ++i) {
      EXPECT_LE(
          CompareOnSameInputs(quantized, static_cast<int>(i), *xnnpack, input)
              .largest,
          quantized.graph.layers[i].kind == arch::LayerKind::kAdd)
          << quantized.layers[i].name();
    }
  }
}

// Multipliers that are powers of two make ties frequent: convolutions break
// them to even as we do, additions upwards.
TEST(XnnpackAgreementTest, TiesAreOneStepAtMost) {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 5);
  for (v1::PackageLayer& layer : quantized.layers) {
    const int zero_point = layer.output().zero_point();
    layer.mutable_output()->set_scale(zero_point == 0 ? 0.25f : 0.5f);
    for (float& scale : *layer.mutable_weight_scale()) scale = 1.0f / 4096;
  }
  quantized.input.set_scale(0.25f);
  ASSERT_OK(ValidateQuantizedGraph(quantized));
  ASSERT_OK_AND_ASSIGN(
      const auto xnnpack,
      CreateXnnpackExecutor(quantized, {.keep_layer_outputs = true}));
  const std::vector<uint8_t> input = RandomInput(quantized, 3, 7);
  xnnpack->RunQuantized(input, 3);
  for (size_t i = 0; i < quantized.layers.size(); ++i) {
    const Steps steps =
        CompareOnSameInputs(quantized, static_cast<int>(i), *xnnpack, input);
    EXPECT_LE(steps.largest,
              quantized.graph.layers[i].kind == arch::LayerKind::kAdd)
        << quantized.layers[i].name();
  }
}

// Outputs and labels of whole networks against the reference's.
struct Outcome {
  Steps steps;
  int64_t images = 0;
  int64_t same_label = 0;

  void Run(const QuantizedGraph& quantized, int batch) {
    ASSERT_OK_AND_ASSIGN(const auto reference,
                         CreateReferenceExecutor(quantized));
    ASSERT_OK_AND_ASSIGN(const auto xnnpack, CreateXnnpackExecutor(quantized));
    const std::vector<uint8_t> input = RandomInput(quantized, batch, 3);
    const auto want = reference->RunQuantized(input, batch);
    const auto got = xnnpack->RunQuantized(input, batch);
    steps.Add(want, got);
    const auto expected = Labels(want, xnnpack->output_elements());
    const auto actual = Labels(got, xnnpack->output_elements());
    for (int i = 0; i < batch; ++i) {
      same_label += expected[i] == actual[i] ? 1 : 0;
    }
    images += batch;
  }
};

TEST(XnnpackAgreementTest, WholeNetworksKeepTheContract) {
  Outcome outcome;
  for (uint64_t seed = 100; seed < 120; ++seed) {
    outcome.Run(Quantize(RandomArchitecture(seed), seed), 25);
  }
  for (const char* name : {"frostnet_small", "mobilenet_v2"}) {
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(
            name, {.width = 0.35, .input_size = 32, .num_classes = 10}));
    outcome.Run(Quantize(architecture, 9), 250);
  }
  RecordProperty("values", std::to_string(outcome.steps.values));
  RecordProperty("different", std::to_string(outcome.steps.different));
  EXPECT_LE(outcome.steps.largest, 1);
  EXPECT_LE(outcome.steps.different * 1000, outcome.steps.values);
  EXPECT_GE(outcome.same_label * 1000, outcome.images * 999);
}

// Outputs on grids more than 2^8 times finer than the inputs'.
TEST(XnnpackAgreementTest, WhatXnnpackCannotDoIsDoneByTheReferenceAndNamed) {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 6);
  v1::PackageLayer* last_add = nullptr;
  for (size_t i = 0; i < quantized.layers.size(); ++i) {
    const arch::LayerKind kind = quantized.graph.layers[i].kind;
    if (kind == arch::LayerKind::kAdd) last_add = &quantized.layers[i];
  }
  last_add->mutable_output()->set_scale(1e-4f);
  quantized.layers.back().mutable_output()->set_scale(1e-8f);
  ASSERT_OK_AND_ASSIGN(const auto xnnpack, CreateXnnpackExecutor(quantized));
  for (const v1::PackageLayer* layer : {last_add, &quantized.layers.back()}) {
    EXPECT_THAT(xnnpack->kernels(),
                Contains(HasSubstr(layer->name() + ": reference")));
  }
  ExpectLayersAgree(quantized, 2);
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

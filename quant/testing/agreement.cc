#include "quant/testing/agreement.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "arch/graph.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {

std::vector<uint8_t> RandomInput(const QuantizedGraph& quantized, int batch,
                                 uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> input(batch * Elements(quantized.graph.input));
  for (uint8_t& value : input) {
    value = static_cast<uint8_t>(random.NextUint32());
  }
  return input;
}

void AddRandomBounds(uint64_t seed, QuantizedGraph& quantized) {
  Random random(seed);
  for (size_t i = 0; i < quantized.layers.size(); ++i) {
    const arch::Layer& layer = quantized.graph.layers[i];
    if (MovesValues(layer) || layer.norm_after_activation) continue;
    v1::PackageLayer& stored = quantized.layers[i];
    const auto fill = [&](int from, std::string& bounds) {
      const size_t counts[] = {0, 1, static_cast<size_t>(layer.out.channels)};
      bounds.resize(counts[random.UniformInt(3)]);
      for (char& bound : bounds) {
        bound = static_cast<char>(from + random.UniformInt(64));
      }
    };
    fill(0, *stored.mutable_low());
    fill(kStoredMax - 63, *stored.mutable_high());
  }
}

Agreement CompareLayers(const QuantizedGraph& quantized, Executor& expected,
                        Executor& actual) {
  Agreement agreement;
  for (size_t layer = 0; layer < quantized.layers.size(); ++layer) {
    const auto want = expected.layer_output(static_cast<int>(layer));
    const auto got = actual.layer_output(static_cast<int>(layer));
    for (size_t i = 0; i < want.size(); ++i) {
      ++agreement.values;
      const int step = std::abs(want[i] - got[i]);
      if (step == 0) continue;
      ++agreement.different;
      agreement.largest_step = std::max(agreement.largest_step, step);
      if (!agreement.first_difference.empty()) continue;
      agreement.first_difference =
          absl::StrCat(quantized.layers[layer].name(), "[", i, "] is ",
                       int{got[i]}, ", expected ", int{want[i]},
                       "; kernels: ", absl::StrJoin(actual.kernels(), ", "));
    }
  }
  return agreement;
}

QuantizedGraph Quantize(const v1::Architecture& architecture, uint64_t seed) {
  return RandomQuantizedGraph(arch::ExpandArchitecture(architecture).value(),
                              seed);
}

QuantizedGraph BoundedNetwork(uint64_t seed) {
  QuantizedGraph quantized = Quantize(
      seed == 0 ? NormAfterActivationArchitecture() : RandomArchitecture(seed),
      seed);
  AddRandomBounds(seed, quantized);
  return quantized;
}

QuantizedGraph ExtremeNetwork() {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 4);
  for (v1::PackageLayer& layer : quantized.layers) {
    for (char& weight : *layer.mutable_weights()) {
      weight = static_cast<signed char>(weight) < 0 ? -127 : 127;
    }
  }
  return quantized;
}

QuantizedGraph NetworkOfTies() {
  QuantizedGraph quantized = Quantize(EveryLayerArchitecture(), 5);
  for (v1::PackageLayer& layer : quantized.layers) {
    const int zero_point = layer.output().zero_point();
    layer.mutable_output()->set_scale(zero_point == 0 ? 0.25f : 0.5f);
    for (float& scale : *layer.mutable_weight_scale()) scale = 1.0f / 4096;
  }
  quantized.input.set_scale(0.25f);
  return quantized;
}

void ExpectSameBits(const QuantizedGraph& quantized,
                    const std::vector<uint8_t>& input, int batch,
                    Executor& actual) {
  ASSERT_OK(ValidateQuantizedGraph(quantized));
  ASSERT_OK_AND_ASSIGN(const auto reference,
                       CreateReferenceExecutor(quantized));
  reference->RunQuantized(input, batch);
  actual.RunQuantized(input, batch);
  const Agreement agreement = CompareLayers(quantized, *reference, actual);
  EXPECT_GT(agreement.values, 0);
  EXPECT_EQ(agreement.first_difference, "");
}

}  // namespace frostnas::quant

#include "quant/testing/agreement.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"

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

}  // namespace frostnas::quant

#include "latency/testing/packages.h"

#include "arch/graph.h"
#include "base/check.h"
#include "google/protobuf/text_format.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {
namespace {

constexpr char kArchitecture[] = R"pb(
  name: "small"
  input_size: 16
  input_channels: 3
  num_classes: 10
  blocks {
    name: "stem"
    conv { out_channels: 16 kernel: 3 stride: 2 activation: ACTIVATION_RELU }
  }
  blocks {
    name: "b1"
    frost { out_channels: 32 kernel: 3 stride: 2 reduction: 4 }
  }
  blocks {
    name: "b2"
    frost { out_channels: 32 kernel: 5 stride: 1 reduction: 4 }
  }
  blocks {
    name: "top"
    classifier { pool: GLOBAL_POOL_AVERAGE }
  }
)pb";

}  // namespace

v1::Package RandomPackage(const v1::Architecture& architecture, uint64_t seed) {
  const quant::QuantizedGraph quantized = quant::RandomQuantizedGraph(
      *arch::ExpandArchitecture(architecture), seed);
  v1::Package package;
  package.set_format_version(1);
  *package.mutable_architecture() = architecture;
  for (int channel = 0; channel < 3; ++channel) {
    package.mutable_input()->add_mean(0.5);
    package.mutable_input()->add_stddev(0.25);
  }
  *package.mutable_input()->mutable_grid() = quantized.input;
  package.mutable_layers()->Assign(quantized.layers.begin(),
                                   quantized.layers.end());
  return package;
}

v1::Package SmallPackage(int expansion) {
  v1::Architecture architecture;
  CHECK(google::protobuf::TextFormat::ParseFromString(kArchitecture,
                                                      &architecture));
  for (v1::Block& block : *architecture.mutable_blocks()) {
    if (block.has_frost()) block.mutable_frost()->set_expansion(expansion);
  }
  return RandomPackage(architecture, /*seed=*/7);
}

}  // namespace frostnas::latency

#include "deploy/testing/packages.h"

#include <utility>

#include "arch/graph.h"
#include "base/check.h"
#include "google/protobuf/text_format.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"
#include "quant/testing/agreement.h"

namespace frostnas::deploy {
namespace {

constexpr char kArchitecture[] = R"pb(
  name: "hand"
  input_size: 8
  input_channels: 3
  num_classes: 2
  blocks {
    name: "b1"
    conv { out_channels: 2 kernel: 3 stride: 1 activation: ACTIVATION_RELU }
  }
  blocks {
    name: "b2"
    classifier { pool: GLOBAL_POOL_AVERAGE }
  }
)pb";

void SetGrid(float scale, int zero_point, v1::ActivationGrid& grid) {
  grid.set_scale(scale);
  grid.set_zero_point(zero_point);
}

v1::DatasetInfo DatasetOf(const v1::Architecture& architecture) {
  v1::DatasetInfo dataset;
  dataset.set_name("shapes");
  dataset.set_sha256("ab12");
  for (int i = 0; i < architecture.input_channels(); ++i) {
    dataset.add_mean(0.45f + 0.03f * static_cast<float>(i));
    dataset.add_stddev(0.25f - 0.01f * static_cast<float>(i));
  }
  dataset.add_class_names("disc");
  dataset.add_class_names("a \"square\"");
  return dataset;
}

v1::Package PackageOf(quant::QuantizedGraph quantized,
                      const v1::Architecture& architecture) {
  auto package = quant::MakePackage(std::move(quantized), architecture,
                                    DatasetOf(architecture));
  CHECK_OK(package.status());
  return *std::move(package);
}

quant::QuantizedGraph RandomGraph(const v1::Architecture& architecture,
                                  uint64_t seed) {
  const auto graph = arch::ExpandArchitecture(architecture);
  CHECK_OK(graph.status());
  return quant::RandomQuantizedGraph(*graph, seed);
}

}  // namespace

v1::Package RandomPackage(const v1::Architecture& architecture, uint64_t seed) {
  return PackageOf(RandomGraph(architecture, seed), architecture);
}

v1::Package RandomBoundedPackage(const v1::Architecture& architecture,
                                 uint64_t seed) {
  quant::QuantizedGraph quantized = RandomGraph(architecture, seed);
  quant::AddRandomBounds(seed, quantized);
  return PackageOf(std::move(quantized), architecture);
}

v1::Package HandMadePackage() {
  v1::Architecture architecture;
  CHECK(google::protobuf::TextFormat::ParseFromString(kArchitecture,
                                                      &architecture));
  quant::QuantizedGraph quantized = RandomGraph(architecture, 1);
  SetGrid(0.03125f, 128, quantized.input);
  for (v1::PackageLayer& layer : quantized.layers) {
    SetGrid(0.0625f, 0, *layer.mutable_output());
  }
  v1::PackageLayer& conv = quantized.layers.front();
  for (int i = 0; i < 54; ++i) (*conv.mutable_weights())[i] = i - 27;
  conv.set_weight_scale(0, 0.25f);
  conv.set_weight_scale(1, 0.5f);
  conv.set_bias(0, 100);
  conv.set_bias(1, -200);
  SetGrid(0.125f, 140, *quantized.layers.back().mutable_output());
  return PackageOf(std::move(quantized), architecture);
}

}  // namespace frostnas::deploy

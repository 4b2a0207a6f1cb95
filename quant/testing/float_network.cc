#include "quant/testing/float_network.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "base/check.h"
#include "base/random.h"
#include "nn/data/loader.h"
#include "nn/network.h"

namespace frostnas::quant {
namespace {

constexpr float kMean = 0.47f;
constexpr float kStddev = 0.25f;
constexpr int kBatch = 16;
// The moving averages forget what was before.
constexpr int kBatches = 40;

const v1::NamedTensor& Find(const v1::FloatNetwork& network,
                            const std::string& name) {
  const auto found = std::find_if(
      network.tensors().begin(), network.tensors().end(),
      [&](const v1::NamedTensor& tensor) { return tensor.name() == name; });
  CHECK(found != network.tensors().end()) << "no tensor " << name;
  return *found;
}

void RandomiseNorms(Random random, nn::Network& network) {
  for (nn::Parameter* parameter : network.parameters()) {
    if (parameter->role != nn::ParameterRole::kNorm) continue;
    for (float& value : parameter->value) {
      value += static_cast<float>(0.5 * random.Normal());
    }
    parameter->value[0] = 0;
    parameter->value.back() *= -1;
  }
}

}  // namespace

v1::DatasetInfo TestDataset(const v1::Architecture& architecture) {
  v1::DatasetInfo info;
  info.set_name("test");
  info.set_classes(architecture.num_classes());
  info.set_image_size(architecture.input_size());
  info.set_channels(architecture.input_channels());
  for (int c = 0; c < architecture.input_channels(); ++c) {
    info.add_mean(kMean);
    info.add_stddev(kStddev);
  }
  return info;
}

v1::FloatNetwork RandomFloatNetwork(const v1::Architecture& architecture,
                                    uint64_t seed) {
  const arch::Graph graph = arch::ExpandArchitecture(architecture).value();
  const auto network = nn::Network::Create(graph, {.seed = seed}).value();
  RandomiseNorms(Random(seed).Split("norms"), *network);
  v1::FloatNetwork trained;
  trained.set_format_version(1);
  *trained.mutable_architecture() = architecture;
  *trained.mutable_dataset() = TestDataset(architecture);
  const nn::ImageSet images =
      RandomImages(architecture, kBatch * kBatches, seed + 1);
  nn::Loader loader(images, trained.dataset(), {.batch = kBatch});
  loader.StartEpoch(0);
  while (const nn::Batch* batch = loader.Next()) {
    network->Forward(batch->images, nn::Mode::kTrain);
  }
  network->Save(trained);
  return trained;
}

nn::ImageSet RandomImages(const v1::Architecture& architecture, int count,
                          uint64_t seed) {
  nn::ImageSet images;
  images.size = architecture.input_size();
  images.channels = architecture.input_channels();
  Random random(seed);
  images.pixels.resize(images.image_bytes() * count);
  for (uint8_t& pixel : images.pixels) {
    pixel = static_cast<uint8_t>(random.NextUint32());
  }
  for (int i = 0; i < count; ++i) {
    images.labels.push_back(
        static_cast<int32_t>(random.UniformInt(architecture.num_classes())));
  }
  return images;
}

std::vector<float> GetTensor(const v1::FloatNetwork& network,
                             const std::string& name) {
  const std::string& data = Find(network, name).data();
  std::vector<float> values(data.size() / sizeof(float));
  std::memcpy(values.data(), data.data(), data.size());
  return values;
}

void SetTensor(const std::string& name, const std::vector<float>& values,
               v1::FloatNetwork& network) {
  CHECK_EQ(Find(network, name).data().size(), values.size() * sizeof(float));
  for (v1::NamedTensor& tensor : *network.mutable_tensors()) {
    if (tensor.name() != name) continue;
    tensor.set_data(values.data(), values.size() * sizeof(float));
  }
}

}  // namespace frostnas::quant

#include "tests/bench/works/int8_works.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/check.h"
#include "base/random.h"
#include "quant/executor.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"
#include "tests/bench/works/catalogue.h"
#include "tests/bench/works/inputs.h"

namespace frostnas::bench {
namespace {

struct Int8Network {
  const char* name;
  double width;
  int pixels;
  int classes;
  std::vector<int> batches;
};

const std::vector<Int8Network>& Networks() {
  static const auto* const networks =
      new std::vector<Int8Network>{{"small_0.5_32px", 0.5, 32, 10, {1, 8, 64}},
                                   {"small_1.0_224px", 1.0, 224, 1000, {1}}};
  return *networks;
}

v1::Package MakePackageOf(const Int8Network& network) {
  const v1::Architecture architecture =
      FrostNetSmall(network.width, network.pixels, network.classes);
  const auto graph = arch::ExpandArchitecture(architecture);
  CHECK_OK(graph);
  v1::DatasetInfo dataset;
  dataset.set_name("noise");
  dataset.set_classes(network.classes);
  dataset.set_image_size(network.pixels);
  dataset.set_channels(3);
  for (int c = 0; c < 3; ++c) {
    dataset.add_mean(0.5f);
    dataset.add_stddev(0.25f);
  }
  auto package = quant::MakePackage(quant::RandomQuantizedGraph(*graph, 1),
                                    architecture, dataset);
  CHECK_OK(package);
  return *std::move(package);
}

std::vector<uint8_t> Noise(int64_t count) {
  Random random(1);
  std::vector<uint8_t> values(count);
  for (uint8_t& value : values) {
    value = static_cast<uint8_t>(random.UniformInt(256));
  }
  return values;
}

class Int8Work final : public Work {
 public:
  Int8Work(const Int8Network& network, int batch, bool quantized)
      : batch_(batch),
        quantized_(quantized),
        input_(Noise(int64_t{batch} * network.pixels * network.pixels * 3)),
        logits_(int64_t{batch} * network.classes) {
    auto executor = quant::CreateOnednnExecutor(MakePackageOf(network));
    CHECK_OK(executor);
    executor_ = *std::move(executor);
  }

  int images() const override { return batch_; }
  std::string label() const override { return executor_->description(); }
  void RunOnce() override {
    if (quantized_) {
      executor_->RunQuantized(input_, batch_);
    } else {
      executor_->Run(input_, batch_, absl::MakeSpan(logits_));
    }
  }

 private:
  const int batch_;
  const bool quantized_;
  const std::vector<uint8_t> input_;
  std::vector<float> logits_;
  std::unique_ptr<quant::Executor> executor_;
};

std::string NameOf(const Int8Network& network, int batch, bool quantized) {
  return absl::StrCat(quantized ? "int8_quantized/" : "int8/", network.name,
                      "/batch_", batch);
}

}  // namespace

absl::StatusOr<v1::Package> PackageOf(absl::string_view work) {
  for (const Int8Network& network : Networks()) {
    for (const int batch : network.batches) {
      for (const bool quantized : {false, true}) {
        if (NameOf(network, batch, quantized) == work) {
          return MakePackageOf(network);
        }
      }
    }
  }
  return absl::NotFoundError(
      absl::StrCat("there is no INT8 work \"", work, "\""));
}

std::vector<WorkEntry> Int8Works() {
  std::vector<WorkEntry> works;
  for (const bool quantized : {false, true}) {
    for (const Int8Network& network : Networks()) {
      for (const int batch : network.batches) {
        works.push_back(
            {NameOf(network, batch, quantized), [&network, batch, quantized] {
               return std::make_unique<Int8Work>(network, batch, quantized);
             }});
      }
    }
  }
  return works;
}

}  // namespace frostnas::bench

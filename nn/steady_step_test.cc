// A training step after the first ones allocates nothing and makes no oneDNN
// primitive: buffers and primitives are planned once for a network and shape.
//
// Witnesses: operator new and aligned_alloc (tensors) of this program, and
// oneDNN's own log.
#include <dlfcn.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/optim/optimizer.h"
#include "nn/precision.h"
#include "nn/quant_hooks.h"
#include "nn/tensor.h"
#include "nn/threads.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace {

std::atomic<bool> counting = false;
std::atomic<int64_t> allocations = 0;

// oneDNN makes small lists for each call of a primitive, which is its own
// affair.
bool IsOurs(const void* caller) {
  Dl_info info;
  return dladdr(caller, &info) == 0 || info.dli_fname == nullptr ||
         std::string_view(info.dli_fname).find("libdnnl") ==
             std::string_view::npos;
}

void* Allocate(std::size_t bytes, std::size_t alignment, const void* caller) {
  if (counting && IsOurs(caller)) ++allocations;
  void* memory = memalign(alignment, bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return Allocate(bytes, alignof(std::max_align_t),
                  __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<std::size_t>(alignment),
                  __builtin_return_address(0));
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return Allocate(bytes, alignment, __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace frostnas::nn {
namespace {

constexpr int kBatch = 8;

class MovingQuantizer : public ActivationQuantizer {
 public:
  void Observe(float min, float max) override {
    min_ += 0.05f * (min - min_);
    max_ += 0.05f * (max - max_);
  }
  bool observing() const override { return true; }
  bool quantizing() const override { return true; }
  AffineGrid grid() const override {
    const float scale = (max_ - min_) / 255;
    return {.scale = scale, .zero_point = static_cast<int>(-min_ / scale)};
  }

 private:
  float min_ = -1, max_ = 4;
};

struct Case {
  Precision precision;
  OptimizerKind optimizer;
  bool quantize;
  int threads;
};

// What a training loop does for a batch.
class Training {
 public:
  explicit Training(const Case& c) : images_({kBatch, 32, 32, 3}) {
    auto architecture = arch::PresetArchitecture(
        "frostnet_small", {.width = 0.35, .input_size = 32, .num_classes = 10});
    graph_ = arch::ExpandArchitecture(*architecture).value();
    network_ =
        Network::Create(graph_, {.seed = 1, .precision = c.precision}).value();
    quantizers_.resize(graph_.layers.size());
    std::vector<LayerQuantization> hooks(graph_.layers.size());
    for (size_t i = 0; c.quantize && i < hooks.size(); ++i) {
      hooks[i] = {.weight_bits = graph_.layers[i].has_weights() ? 8 : 0,
                  .output = &quantizers_[i]};
    }
    network_->SetQuantization(hooks);
    OptimizerOptions options;
    options.kind = c.optimizer;
    options.grad_boost.mode = GradBoostMode::kCorrected;
    optimizer_ = Optimizer::Create(options, network_->parameters()).value();
    optimizer_->StartBoosting();
    Random random(7);
    for (float& value : images_.span()) {
      value = static_cast<float>(random.Normal());
    }
  }

  void Step() {
    for (Parameter* parameter : network_->parameters()) parameter->ZeroGrad();
    SoftmaxCrossEntropy(network_->Forward(images_, Mode::kTrain), labels_, 0.1f,
                        &diff_);
    network_->Backward(diff_, false);
    optimizer_->Step(0.01);
  }

 private:
  arch::Graph graph_;
  std::vector<MovingQuantizer> quantizers_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor images_, diff_;
  const std::vector<int32_t> labels_ = std::vector<int32_t>(kBatch, 3);
};

class SteadyStepTest : public testing::TestWithParam<Case> {};

TEST_P(SteadyStepTest, AllocatesNothingAndMakesNoPrimitive) {
  const ScopedComputeThreads scoped(GetParam().threads);
  Training training(GetParam());
  for (int i = 0; i < 3; ++i) training.Step();
  allocations = 0;
  counting = true;
  training.Step();
  counting = false;
  EXPECT_EQ(allocations, 0);
  // Lists what oneDNN makes, and what it runs.
  dnnl_set_verbose(2);
  testing::internal::CaptureStdout();
  training.Step();
  dnnl_set_verbose(0);
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_THAT(log, testing::HasSubstr("exec"));
  EXPECT_THAT(log, testing::Not(testing::HasSubstr("create")));
}

INSTANTIATE_TEST_SUITE_P(
    Steps, SteadyStepTest,
    testing::Values(Case{Precision::kMixed, OptimizerKind::kMuon, true, 2},
                    Case{Precision::kMixed, OptimizerKind::kMuon, false, 1},
                    Case{Precision::kFloat32, OptimizerKind::kAdamW, true, 2},
                    Case{Precision::kFloat32, OptimizerKind::kSgd, false, 1}));

TEST(SteadyStepWitnessTest, AllocationsAreCounted) {
  allocations = 0;
  counting = true;
  const auto one = std::make_unique<int>(1);
  std::vector<int> two(100);
  Tensor three({1, 1, 1, 100});
  counting = false;
  EXPECT_EQ(allocations, 3) << *one << two[0] << three.elements();
}

}  // namespace
}  // namespace frostnas::nn

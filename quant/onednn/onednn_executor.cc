// CreateOnednnExecutor of quant/executor.h.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/graph_executor.h"
#include "quant/layer_params.h"
#include "quant/onednn/buffer_plan.h"
#include "quant/onednn/isa.h"
#include "quant/onednn/step.h"
#include "quant/simd/blocks.h"

namespace frostnas::quant {
namespace {

constexpr size_t kAlignment = 64;

// 64-byte aligned bytes, with some behind them that kernels may read.
class Buffer {
 public:
  explicit Buffer(int64_t bytes)
      : memory_(bytes + kAlignment + simd::kSlackBytes) {
    const auto address = reinterpret_cast<uintptr_t>(memory_.data());
    data_ = memory_.data() + (kAlignment - address % kAlignment) % kAlignment;
  }
  uint8_t* data() { return data_; }

 private:
  std::vector<uint8_t> memory_;
  uint8_t* data_;
};

class OnednnExecutor final : public GraphExecutor {
 public:
  OnednnExecutor(ExecutableGraph graph, const ExecutorOptions& options)
      : GraphExecutor(std::move(graph)), options_(options) {}

  // Buffers and steps for `batch`. INTERNAL: oneDNN refuses a primitive.
  absl::Status Prepare(int batch) {
    nn::ApplyComputeThreads();
    steps_.clear();
    buffers_.clear();
    plan_ = PlanBuffers(graph(), options_.keep_layer_outputs);
    for (int64_t bytes : plan_.buffer_bytes) {
      buffers_.emplace_back(bytes * batch);
    }
    for (size_t i = 0; i < graph().layers.size(); ++i) {
      const arch::Layer& layer = graph().layers[i];
      if (layer.kind == arch::LayerKind::kDropout) continue;
      const int index = static_cast<int>(i);
      ASSIGN_OR_RETURN(std::unique_ptr<Step> step,
                       MakeStep(quantized(), index, TensorsOf(index, batch)));
      steps_.push_back({index, std::move(step)});
    }
    batch_ = batch;
    return absl::OkStatus();
  }

  absl::Span<const uint8_t> layer_output(int index) const override {
    CHECK(options_.keep_layer_outputs)
        << "the executor was not asked to keep layer outputs";
    return Tensor(index);
  }

  std::string description() const override {
    return absl::StrCat(Int8RuntimeName(),
                        DetectInt8Isa().exact
                            ? ""
                            : ", dense layers by own 16-bit kernels (this "
                              "instruction set's 8-bit ones saturate)");
  }

  std::vector<std::string> kernels() const override {
    std::vector<std::string> names;
    for (const PlannedStep& planned : steps_) {
      names.push_back(absl::StrCat(graph().layers[planned.layer].name, ": ",
                                   planned.step->kernel()));
    }
    return names;
  }

 protected:
  absl::Span<uint8_t> Plan(int batch) override {
    CHECK_GT(batch, 0);
    if (batch != batch_) CHECK_OK(Prepare(batch));
    return MutableTensor(arch::kGraphInput, batch);
  }

  absl::Span<const uint8_t> Execute() override {
    nn::ApplyComputeThreads();
    for (const PlannedStep& planned : steps_) planned.step->Execute();
    return Tensor(static_cast<int>(graph().layers.size()) - 1);
  }

 private:
  struct PlannedStep {
    int layer;
    std::unique_ptr<Step> step;
  };

  absl::Span<uint8_t> MutableTensor(int index, int batch) {
    return absl::MakeSpan(
        buffers_[plan_.buffer[index + 1]].data(),
        static_cast<size_t>(batch * Elements(ShapeOf(graph(), index))));
  }
  absl::Span<const uint8_t> Tensor(int index) const {
    return const_cast<OnednnExecutor*>(this)->MutableTensor(index, batch_);
  }

  StepTensors TensorsOf(int index, int batch) {
    StepTensors tensors;
    tensors.batch = batch;
    const std::vector<int>& inputs = graph().layers[index].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      tensors.src[i] = MutableTensor(inputs[i], batch).data();
    }
    tensors.dst = MutableTensor(index, batch).data();
    return tensors;
  }

  ExecutorOptions options_;
  int batch_ = 0;
  BufferPlan plan_;
  std::vector<Buffer> buffers_;
  std::vector<PlannedStep> steps_;
};

// Plans one image at once, so that what oneDNN cannot do shows here.
template <typename Network>
absl::StatusOr<std::unique_ptr<Executor>> Create(
    const Network& network, const ExecutorOptions& options) {
  ASSIGN_OR_RETURN(ExecutableGraph graph, MakeExecutable(network));
  auto executor = std::make_unique<OnednnExecutor>(std::move(graph), options);
  RETURN_IF_ERROR(executor->Prepare(1));
  return executor;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const v1::Package& package, const ExecutorOptions& options) {
  return Create(package, options);
}

absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const QuantizedGraph& quantized, const ExecutorOptions& options) {
  return Create(quantized, options);
}

}  // namespace frostnas::quant

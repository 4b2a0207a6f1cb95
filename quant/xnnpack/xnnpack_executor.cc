#include "quant/xnnpack/xnnpack_executor.h"

#include <xnnpack.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/buffer_plan.h"
#include "quant/graph_executor.h"
#include "quant/layer_params.h"
#include "quant/xnnpack/runtime.h"
#include "quant/xnnpack/signed_bytes.h"
#include "quant/xnnpack/step.h"

namespace frostnas::quant {
namespace {

// Operators are created once; a new batch size gives them new buffers.
class XnnpackExecutor final : public GraphExecutor {
 public:
  XnnpackExecutor(ExecutableGraph graph, const XnnpackOptions& options)
      : GraphExecutor(std::move(graph)),
        keep_(options.keep_layer_outputs),
        threads_(SharedThreadPool(options.threads)),
        plan_(PlanBuffers(this->graph(),
                          {.keep_all = keep_, .join_concats = true})) {}

  // INTERNAL: XNNPACK refuses.
  absl::Status MakeOperators() {
    for (int i = 0; i < num_layers(); ++i) {
      ASSIGN_OR_RETURN(auto steps, MakeSteps(quantized(), i, LayoutOf(i)));
      for (auto& step : steps) steps_.push_back({i, std::move(step)});
    }
    return SetUp(1);
  }

  absl::Span<const uint8_t> layer_output(int index) const override {
    CHECK(keep_) << "the executor was not asked to keep layer outputs";
    return kept_[index];
  }

  std::string description() const override {
    return absl::StrCat(XnnpackName(), " ", XnnpackIsa());
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
    if (batch != batch_) CHECK_OK(SetUp(batch));
    return absl::MakeSpan(input_);
  }

  absl::Span<const uint8_t> Execute() override {
    FlipSigns(input_.data(), static_cast<int64_t>(input_.size()),
              TensorOf(arch::kGraphInput));
    for (const PlannedStep& planned : steps_) planned.step->Execute();
    FlipSigns(TensorOf(num_layers() - 1), static_cast<int64_t>(output_.size()),
              output_.data());
    if (keep_) Keep();
    return output_;
  }

 private:
  struct PlannedStep {
    int layer;
    std::unique_ptr<Step> step;
  };

  int num_layers() const { return static_cast<int>(graph().layers.size()); }

  // First value of layer `index`'s output, or of the input.
  int8_t* TensorOf(int index) {
    return buffers_[plan_.buffer[index + 1]].data() +
           plan_.slice[index + 1].offset;
  }

  StepLayout LayoutOf(int index) const {
    StepLayout layout;
    const std::vector<int>& inputs = graph().layers[index].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      layout.src_stride[i] = plan_.slice[inputs[i] + 1].stride;
      layout.in_place[i] =
          plan_.buffer[inputs[i] + 1] == plan_.buffer[index + 1];
    }
    layout.dst_stride = plan_.slice[index + 1].stride;
    return layout;
  }

  absl::Status SetUp(int batch) {
    batch_ = batch;
    input_.resize(batch * Elements(graph().input));
    output_.resize(batch * output_elements());
    buffers_.resize(plan_.buffer_bytes.size());
    for (size_t i = 0; i < buffers_.size(); ++i) {
      buffers_[i].resize(batch * plan_.buffer_bytes[i] + XNN_EXTRA_BYTES);
    }
    for (const PlannedStep& planned : steps_) {
      RETURN_IF_ERROR(planned.step->SetUp(TensorsOf(planned.layer), threads_));
    }
    return absl::OkStatus();
  }

  StepTensors TensorsOf(int index) {
    StepTensors tensors = {.batch = batch_, .dst = TensorOf(index)};
    const std::vector<int>& inputs = graph().layers[index].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      tensors.src[i] = TensorOf(inputs[i]);
    }
    return tensors;
  }

  void Keep() {
    kept_.resize(num_layers());
    for (int i = 0; i < num_layers(); ++i) {
      kept_[i].resize(batch_ * Elements(graph().layers[i].out));
      FlipSigns(TensorOf(i), static_cast<int64_t>(kept_[i].size()),
                kept_[i].data());
    }
  }

  const bool keep_;
  const ThreadPool threads_;
  const BufferPlan plan_;
  int batch_ = 0;
  std::vector<uint8_t> input_, output_;
  std::vector<std::vector<int8_t>> buffers_;
  std::vector<PlannedStep> steps_;
  std::vector<std::vector<uint8_t>> kept_;  // by layer
};

template <typename Network>
absl::StatusOr<std::unique_ptr<Executor>> Create(
    const Network& network, const XnnpackOptions& options) {
  RETURN_IF_ERROR(InitializeXnnpack());
  ASSIGN_OR_RETURN(ExecutableGraph graph, MakeExecutable(network));
  auto executor = std::make_unique<XnnpackExecutor>(std::move(graph), options);
  RETURN_IF_ERROR(executor->MakeOperators());
  return executor;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> CreateXnnpackExecutor(
    const v1::Package& package, const XnnpackOptions& options) {
  return Create(package, options);
}

absl::StatusOr<std::unique_ptr<Executor>> CreateXnnpackExecutor(
    const QuantizedGraph& quantized, const XnnpackOptions& options) {
  return Create(quantized, options);
}

}  // namespace frostnas::quant

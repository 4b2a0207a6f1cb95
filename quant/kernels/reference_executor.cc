// CreateReferenceExecutor of quant/executor.h: the plain kernels in order.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/executor.h"
#include "quant/graph_executor.h"
#include "quant/kernels/reference_layer.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

class ReferenceExecutor final : public GraphExecutor {
 public:
  explicit ReferenceExecutor(ExecutableGraph graph)
      : GraphExecutor(std::move(graph)) {}

  absl::Span<const uint8_t> layer_output(int index) const override {
    return outputs_[index + 1];
  }
  std::string description() const override { return "integer reference"; }
  std::vector<std::string> kernels() const override {
    std::vector<std::string> names;
    for (const arch::Layer& layer : graph().layers) {
      names.push_back(absl::StrCat(layer.name, ": reference"));
    }
    return names;
  }

 protected:
  absl::Span<uint8_t> Plan(int batch) override {
    CHECK_GT(batch, 0);
    batch_ = batch;
    outputs_.resize(graph().layers.size() + 1);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i].resize(batch *
                         Elements(ShapeOf(graph(), static_cast<int>(i) - 1)));
    }
    return absl::MakeSpan(outputs_[0]);
  }

  absl::Span<const uint8_t> Execute() override {
    for (size_t i = 0; i < graph().layers.size(); ++i) {
      RunLayer(static_cast<int>(i));
    }
    return outputs_.back();
  }

 private:
  void RunLayer(int index) {
    const std::vector<int>& inputs = graph().layers[index].inputs;
    LayerTensors tensors = {.batch = batch_,
                            .a = outputs_[inputs[0] + 1],
                            .b = outputs_[inputs.back() + 1],
                            .dst = absl::MakeSpan(outputs_[index + 1])};
    RunReferenceLayer(quantized(), index, tensors);
  }

  int batch_ = 0;
  std::vector<std::vector<uint8_t>> outputs_;  // by layer index + 1
};

template <typename Network>
absl::StatusOr<std::unique_ptr<Executor>> Create(const Network& network) {
  ASSIGN_OR_RETURN(ExecutableGraph graph, MakeExecutable(network));
  return std::make_unique<ReferenceExecutor>(std::move(graph));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> CreateReferenceExecutor(
    const v1::Package& package) {
  return Create(package);
}

absl::StatusOr<std::unique_ptr<Executor>> CreateReferenceExecutor(
    const QuantizedGraph& quantized) {
  return Create(quantized);
}

}  // namespace frostnas::quant

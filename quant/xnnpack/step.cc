#include "quant/xnnpack/step.h"

#include <xnnpack.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/layer_params.h"
#include "quant/xnnpack/add_step.h"
#include "quant/xnnpack/clamp_step.h"
#include "quant/xnnpack/reference_step.h"
#include "quant/xnnpack/signed_bytes.h"

namespace frostnas::quant {
namespace {

struct DeleteOperator {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, DeleteOperator>;

// Sets `op` up for tensors.
using SetUpOperator = std::function<xnn_status(
    xnn_operator_t op, const StepTensors& tensors, pthreadpool_t threads)>;

class OperatorStep final : public Step {
 public:
  OperatorStep(std::string name, Operator op, SetUpOperator set_up)
      : name_(std::move(name)), op_(std::move(op)), set_up_(set_up) {}

  absl::Status SetUp(const StepTensors& tensors,
                     const ThreadPool& threads) override {
    threads_ = threads;
    const xnn_status status = set_up_(op_.get(), tensors, threads.get());
    if (status == xnn_status_success) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("XNNPACK cannot set up ", name_,
                                            " (status ", status, ")"));
  }

  void Execute() override {
    CHECK_EQ(xnn_run_operator(op_.get(), threads_.get()), xnn_status_success)
        << name_;
  }

  std::string kernel() const override {
    return absl::StrCat("xnnpack ", name_);
  }

 private:
  std::string name_;
  Operator op_;
  SetUpOperator set_up_;
  ThreadPool threads_;
};

// What an operator is made of; `status` is what XNNPACK said.
struct Made {
  std::string name;
  xnn_status status = xnn_status_success;
  xnn_operator_t op = nullptr;
  SetUpOperator set_up;
};

Made MakeConv(const QuantizedGraph& quantized, int index,
              const StepLayout& layout) {
  const ConvParams params = ConvParamsOf(quantized, index);
  const ConvGeometry& g = params.geometry;
  const v1::PackageLayer& stored = quantized.layers[index];
  const int src = quantized.graph.layers[index].inputs[0];
  const uint32_t pad = g.pad, kernel = g.kernel, stride = g.stride;
  const uint32_t groups = g.depthwise ? g.out_channels : 1;
  Made made = {.name = g.depthwise ? "qc8 depthwise" : "qc8 convolution"};
  made.status = xnn_create_convolution2d_nhwc_qc8(
      pad, pad, pad, pad, kernel, kernel, stride, stride, /*dilation_height=*/1,
      /*dilation_width=*/1, groups, g.depthwise ? 1 : g.in_channels,
      g.depthwise ? 1 : g.out_channels, layout.src_stride[0], layout.dst_stride,
      ToSigned(params.src_zero_point), quantized.grid(src).scale(),
      stored.weight_scale().data(), params.weights.data(), params.bias.data(),
      ToSigned(params.to.zero_point), quantized.grid(index).scale(),
      ToSigned(params.to.low), ToSigned(params.to.high),
      g.depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &made.op);
  made.set_up = [size = g.in_size](xnn_operator_t op, const StepTensors& t,
                                   pthreadpool_t threads) {
    return xnn_setup_convolution2d_nhwc_qc8(op, t.batch, size, size, t.src[0],
                                            t.dst, threads);
  };
  return made;
}

// Of input `i`, behind the first `offset` channels of the output.
Made MakeCopy(const arch::FeatureShape& shape, int i, int offset,
              const StepLayout& layout) {
  Made made = {.name = "x8 copy"};
  made.status = xnn_create_copy_nc_x8(shape.channels, layout.src_stride[i],
                                      layout.dst_stride, /*flags=*/0, &made.op);
  made.set_up = [=](xnn_operator_t op, const StepTensors& t,
                    pthreadpool_t threads) {
    const int64_t rows = int64_t{t.batch} * shape.size * shape.size;
    return xnn_setup_copy_nc_x8(op, rows, t.src[i], t.dst + offset, threads);
  };
  return made;
}

// Of the inputs of a concatenation that are not in place.
std::vector<Made> MakeCopies(const arch::Graph& graph,
                             const arch::Layer& concat,
                             const StepLayout& layout) {
  std::vector<Made> copies;
  int offset = 0;
  for (int i = 0; i < 2; ++i) {
    const arch::FeatureShape& shape = ShapeOf(graph, concat.inputs[i]);
    if (!layout.in_place[i]) {
      copies.push_back(MakeCopy(shape, i, offset, layout));
    }
    offset += shape.channels;
  }
  return copies;
}

// Global maximum pooling is a window of the whole map; a window of one pixel,
// which XNNPACK refuses, is a copy where it does not stride.
Made MakeMaxPool(const arch::Layer& layer, const StepLayout& layout) {
  const bool global = layer.kind == arch::LayerKind::kGlobalPool;
  const uint32_t kernel = global ? layer.in.size : layer.kernel;
  const uint32_t stride = global ? 1 : layer.stride;
  if (kernel == 1 && stride == 1) {
    return MakeCopy(layer.out, /*i=*/0, /*offset=*/0, layout);
  }
  Made made = {.name = "s8 max_pool"};
  made.status = xnn_create_max_pooling2d_nhwc_s8(
      0, 0, 0, 0, kernel, kernel, stride, stride, /*dilation_height=*/1,
      /*dilation_width=*/1, layer.in.channels, layout.src_stride[0],
      layout.dst_stride, INT8_MIN, INT8_MAX, /*flags=*/0, &made.op);
  made.set_up = [size = layer.in.size](xnn_operator_t op, const StepTensors& t,
                                       pthreadpool_t threads) {
    return xnn_setup_max_pooling2d_nhwc_s8(op, t.batch, size, size, t.src[0],
                                           t.dst, threads);
  };
  return made;
}

Made MakeAveragePool(const QuantizedGraph& quantized, int index,
                     const StepLayout& layout) {
  const AveragePoolParams params = AveragePoolParamsOf(quantized, index);
  const int src = quantized.graph.layers[index].inputs[0];
  Made made = {.name = "qs8 average_pool"};
  made.status = xnn_create_global_average_pooling_nwc_qs8(
      params.channels, layout.src_stride[0], layout.dst_stride,
      ToSigned(params.src_zero_point), quantized.grid(src).scale(),
      ToSigned(params.to.zero_point), quantized.grid(index).scale(),
      ToSigned(params.to.low), ToSigned(params.to.high), /*flags=*/0, &made.op);
  made.set_up = [positions = params.positions](xnn_operator_t op,
                                               const StepTensors& t,
                                               pthreadpool_t threads) {
    return xnn_setup_global_average_pooling_nwc_qs8(op, t.batch, positions,
                                                    t.src[0], t.dst, threads);
  };
  return made;
}

// XNNPACK's part of a layer.
std::vector<Made> MakeOperators(const QuantizedGraph& quantized, int index,
                                const StepLayout& layout) {
  const arch::Layer& layer = quantized.graph.layers[index];
  switch (layer.kind) {
    case arch::LayerKind::kConv:
    case arch::LayerKind::kDepthwise:
    case arch::LayerKind::kLinear:
      return {MakeConv(quantized, index, layout)};
    case arch::LayerKind::kMaxPool:
      return {MakeMaxPool(layer, layout)};
    case arch::LayerKind::kGlobalPool:
      if (layer.pool == v1::GLOBAL_POOL_MAX) {
        return {MakeMaxPool(layer, layout)};
      }
      return {MakeAveragePool(quantized, index, layout)};
    case arch::LayerKind::kConcat:
      return MakeCopies(quantized.graph, layer, layout);
    case arch::LayerKind::kAdd:
    case arch::LayerKind::kDropout:
      break;
  }
  return {};
}

bool HasNoOperator(xnn_status status) {
  return status == xnn_status_invalid_parameter ||
         status == xnn_status_unsupported_parameter;
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Step>>> MakeSteps(
    const QuantizedGraph& quantized, int index, const StepLayout& layout) {
  std::vector<std::unique_ptr<Step>> steps;
  const arch::Layer& layer = quantized.graph.layers[index];
  if (layer.kind == arch::LayerKind::kAdd) {
    steps.push_back(
        MakeAddStep(AddParamsOf(quantized, index), Elements(layer.out)));
  }
  for (Made& made : MakeOperators(quantized, index, layout)) {
    if (HasNoOperator(made.status)) {
      steps.push_back(MakeReferenceStep(quantized, index, layout));
    } else if (made.status == xnn_status_success) {
      steps.push_back(std::make_unique<OperatorStep>(
          std::move(made.name), Operator(made.op), std::move(made.set_up)));
    } else {
      return absl::InternalError(absl::StrCat(
          quantized.layers[index].name(), ": XNNPACK cannot create ", made.name,
          " (status ", made.status, ")"));
    }
  }
  const ChannelBounds bounds = ChannelBoundsOf(quantized, index);
  if (!bounds.empty()) {
    const int64_t pixels = int64_t{layer.out.size} * layer.out.size;
    steps.push_back(MakeClampStep(bounds, pixels, layout.dst_stride));
  }
  return steps;
}

}  // namespace frostnas::quant

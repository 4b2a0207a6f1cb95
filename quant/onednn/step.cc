#include "quant/onednn/step.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "nn/threads.h"
#include "quant/simd/elementwise.h"

namespace frostnas::quant {
namespace {

// Bytes below which splitting costs more than it saves.
constexpr int64_t kGrainBytes = 16384;

// `body` over [0, count) items of `item_bytes`, in parallel.
class LoopStep final : public Step {
 public:
  using Body = std::function<void(int64_t begin, int64_t end)>;
  LoopStep(std::string name, int64_t count, int64_t item_bytes, Body body)
      : name_(std::move(name)),
        count_(count),
        grain_(std::max<int64_t>(kGrainBytes / item_bytes, 1)),
        body_(std::move(body)) {}

  void Execute() override {
    nn::ParallelFor(count_, grain_, [this](const nn::Part& part) {
      body_(part.begin, part.end);
    });
  }
  std::string kernel() const override {
    return absl::StrCat("simd ", name_, " ", simd::Target());
  }

 private:
  std::string name_;
  int64_t count_;
  int64_t grain_;
  Body body_;
};

std::unique_ptr<Step> MakeAdd(const AddParams& params, int64_t elements,
                              const StepTensors& t) {
  return std::make_unique<LoopStep>(
      "add", elements, 1, [params, t](int64_t begin, int64_t end) {
        const size_t count = end - begin;
        simd::Add(params, {t.src[0] + begin, count}, {t.src[1] + begin, count},
                  {t.dst + begin, count});
      });
}

std::unique_ptr<Step> MakeConcat(const arch::Layer& layer,
                                 const StepTensors& t) {
  const simd::JoinShape shape = {
      .rows = 0,
      .a_bytes = layer.in.channels,
      .b_bytes = layer.out.channels - layer.in.channels};
  const int64_t rows =
      static_cast<int64_t>(t.batch) * layer.out.size * layer.out.size;
  return std::make_unique<LoopStep>(
      "concat", rows, layer.out.channels,
      [shape, t](int64_t begin, int64_t end) {
        simd::JoinShape part = shape;
        part.rows = end - begin;
        simd::JoinRows(part, t.src[0] + begin * shape.a_bytes,
                       t.src[1] + begin * shape.b_bytes,
                       t.dst + begin * (shape.a_bytes + shape.b_bytes));
      });
}

// Global maximum pooling is a window of the whole map.
std::unique_ptr<Step> MakeMaxPool(const arch::Layer& layer,
                                  const StepTensors& t) {
  const bool global = layer.kind == arch::LayerKind::kGlobalPool;
  const int kernel = global ? layer.in.size : layer.kernel;
  const int stride = global ? 1 : layer.stride;
  const int64_t channels = layer.in.channels;
  const int64_t row_bytes = layer.in.size * channels;
  const int out_size = layer.out.size;
  const int64_t positions = static_cast<int64_t>(out_size) * out_size;
  const auto pool = [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t y = p % positions / out_size * stride;
      const int64_t x = p % out_size * stride;
      const uint8_t* from = t.src[0] +
                            (p / positions * layer.in.size + y) * row_bytes +
                            x * channels;
      const absl::Span<uint8_t> to(t.dst + p * channels, channels);
      std::fill(to.begin(), to.end(), 0);
      for (int k = 0; k < kernel; ++k) {
        simd::MaxRows({from + k * row_bytes, channels, kernel}, to);
      }
    }
  };
  return std::make_unique<LoopStep>("max_pool", t.batch * positions,
                                    kernel * kernel * channels, pool);
}

std::unique_ptr<Step> MakeAveragePool(const AveragePoolParams& params,
                                      const StepTensors& t) {
  const int64_t image_bytes =
      static_cast<int64_t>(params.positions) * params.channels;
  return std::make_unique<LoopStep>(
      "average_pool", t.batch, image_bytes,
      [params, t, image_bytes](int64_t begin, int64_t end) {
        simd::AveragePool(params, end - begin, t.src[0] + begin * image_bytes,
                          t.dst + begin * params.channels);
      });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Step>> MakeStep(const QuantizedGraph& quantized,
                                               int index,
                                               const StepTensors& tensors) {
  const arch::Layer& layer = quantized.graph.layers[index];
  switch (layer.kind) {
    case arch::LayerKind::kConv:
    case arch::LayerKind::kDepthwise:
    case arch::LayerKind::kLinear:
      return MakeConvStep(ConvParamsOf(quantized, index), tensors);
    case arch::LayerKind::kConcat:
      return MakeConcat(layer, tensors);
    case arch::LayerKind::kAdd:
      return MakeAdd(AddParamsOf(quantized, index),
                     tensors.batch * Elements(layer.out), tensors);
    case arch::LayerKind::kMaxPool:
      return MakeMaxPool(layer, tensors);
    case arch::LayerKind::kGlobalPool:
      if (layer.pool == v1::GLOBAL_POOL_MAX) {
        return MakeMaxPool(layer, tensors);
      }
      return MakeAveragePool(AveragePoolParamsOf(quantized, index), tensors);
    case arch::LayerKind::kDropout:
      break;
  }
  CHECK(false) << "layer " << layer.name << " has no step";
  return nullptr;
}

std::unique_ptr<Step> MakeClampStep(const QuantizedGraph& quantized, int index,
                                    const StepTensors& tensors) {
  const ChannelBounds bounds = ChannelBoundsOf(quantized, index);
  if (bounds.empty()) return nullptr;
  const arch::FeatureShape& shape = quantized.graph.layers[index].out;
  const simd::ChannelClamp clamp(bounds);
  return std::make_unique<LoopStep>(
      "clamp", int64_t{tensors.batch} * shape.size * shape.size, shape.channels,
      [clamp, dst = tensors.dst](int64_t begin, int64_t end) {
        const int64_t channels = clamp.channels();
        clamp.Apply({dst + begin * channels,
                     static_cast<size_t>((end - begin) * channels)});
      });
}

}  // namespace frostnas::quant

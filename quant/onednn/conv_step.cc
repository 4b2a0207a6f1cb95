// MakeConvStep of quant/onednn/step.h: our own kernels where oneDNN's would
// saturate or are slower, else a oneDNN primitive.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/threads.h"
#include "oneapi/dnnl/dnnl.hpp"
#include "quant/onednn/isa.h"
#include "quant/onednn/step.h"
#include "quant/simd/dense_conv.h"
#include "quant/simd/depthwise_conv.h"
#include "quant/simd/elementwise.h"

namespace frostnas::quant {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using DataType = memory::data_type;
using FormatTag = memory::format_tag;

const dnnl::engine& CpuEngine() {
  static const dnnl::engine& engine =
      *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc ActivationDesc(int n, int size, int channels) {
  return memory::desc({n, channels, size, size}, DataType::u8, FormatTag::nhwc);
}

// Weights as they are stored: O,H,W,I or H,W,C.
memory::desc StoredWeights(const ConvGeometry& g) {
  if (g.depthwise) {
    return memory::desc({g.out_channels, 1, 1, g.kernel, g.kernel},
                        DataType::s8, FormatTag::hwigo);
  }
  return memory::desc({g.out_channels, g.in_channels, g.kernel, g.kernel},
                      DataType::s8, FormatTag::ohwi);
}

// What follows acc * multiplier. The zero point is added after rounding, as
// the contract says; oneDNN's own zero-point attribute would add it before.
// A plain ReLU on a grid with zero point 0 is the saturation itself.
dnnl::primitive_attr Attributes(const ConvParams& params) {
  dnnl::post_ops post_ops;
  const Requantization& to = params.to;
  if (to.zero_point != 0) {
    post_ops.append_eltwise(1, algorithm::eltwise_round, 0, 0);
    post_ops.append_eltwise(1, algorithm::eltwise_linear, 1,
                            static_cast<float>(to.zero_point));
  }
  if (to.low > 0 || to.high < kStoredMax) {
    post_ops.append_eltwise(1, algorithm::eltwise_clip,
                            static_cast<float>(to.low),
                            static_cast<float>(to.high));
  }
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(1 << 1, params.multiplier);
  attributes.set_post_ops(post_ops);
  return attributes;
}

dnnl::convolution_forward::primitive_desc DescribePrimitive(
    const ConvParams& params, int batch) {
  const ConvGeometry& g = params.geometry;
  memory::desc weights = StoredWeights(g);
  weights = memory::desc(weights.dims(), DataType::s8, FormatTag::any);
  const memory::dims strides = {g.stride, g.stride};
  const memory::dims padding = {g.pad, g.pad};
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_inference, algorithm::convolution_direct,
      ActivationDesc(batch, g.in_size, g.in_channels), weights,
      memory::desc({g.out_channels}, DataType::s32, FormatTag::x),
      ActivationDesc(batch, g.out_size, g.out_channels), strides, padding,
      padding);
  return {desc, Attributes(params), CpuEngine()};
}

class OnednnConvStep final : public Step {
 public:
  // Throws dnnl::error.
  OnednnConvStep(const ConvParams& params, const StepTensors& tensors)
      : OnednnConvStep(params, tensors,
                       DescribePrimitive(params, tensors.batch)) {}

  void Execute() override {
    try {
      primitive_.execute(stream_, arguments_);
    } catch (const dnnl::error& error) {
      CHECK(false) << kernel_ << ": " << error.what();
    }
  }
  std::string kernel() const override { return kernel_; }

 private:
  OnednnConvStep(const ConvParams& params, const StepTensors& tensors,
                 const dnnl::convolution_forward::primitive_desc& desc)
      : stream_(CpuEngine()),
        primitive_(desc),
        kernel_(absl::StrCat("onednn ", desc.impl_info_str())),
        bias_(FoldZeroPoint(params)) {
    memory stored(StoredWeights(params.geometry), CpuEngine(),
                  const_cast<int8_t*>(params.weights.data()));
    memory weights(desc.weights_desc(), CpuEngine());
    dnnl::reorder(stored, weights).execute(stream_, stored, weights);
    stream_.wait();
    arguments_ = {
        {DNNL_ARG_SRC, memory(desc.src_desc(), CpuEngine(),
                              const_cast<uint8_t*>(tensors.src[0]))},
        {DNNL_ARG_WEIGHTS, weights},
        {DNNL_ARG_BIAS, memory(desc.bias_desc(), CpuEngine(), bias_.data())},
        {DNNL_ARG_DST, memory(desc.dst_desc(), CpuEngine(), tensors.dst)}};
  }

  dnnl::stream stream_;
  dnnl::convolution_forward primitive_;
  std::string kernel_;
  std::vector<int32_t> bias_;
  std::unordered_map<int, memory> arguments_;
};

class SimdDenseStep final : public Step {
 public:
  SimdDenseStep(const ConvParams& params, const StepTensors& tensors)
      : conv_(params), tensors_(tensors) {
    const ConvGeometry& g = params.geometry;
    pixels_ = static_cast<int64_t>(tensors.batch) * g.out_size * g.out_size;
  }

  void Execute() override {
    constexpr int64_t kGrain = 64;
    nn::ParallelFor(pixels_, kGrain, [this](const nn::Part& part) {
      conv_.Run(tensors_.src[0], part.begin, part.end, tensors_.dst);
    });
  }
  std::string kernel() const override {
    return absl::StrCat("simd dense ", simd::Target());
  }

 private:
  simd::DenseConv conv_;
  StepTensors tensors_;
  int64_t pixels_ = 0;
};

class SimdDepthwiseStep final : public Step {
 public:
  SimdDepthwiseStep(const ConvParams& params, const StepTensors& tensors)
      : conv_(params), tensors_(tensors), parts_(conv_.Parts(tensors.batch)) {
    const int64_t part_bytes = std::max<int64_t>(
        params.geometry.dst_elements() * tensors.batch / parts_, 1);
    grain_ = std::max<int64_t>(kGrainBytes / part_bytes, 1);
  }

  void Execute() override {
    nn::ParallelFor(parts_, grain_, [this](const nn::Part& part) {
      conv_.Run(tensors_.src[0], part.begin, part.end, tensors_.dst);
    });
  }
  std::string kernel() const override {
    return absl::StrCat("simd depthwise ", simd::Target());
  }

 private:
  // Output bytes below which splitting costs more than it saves.
  static constexpr int64_t kGrainBytes = 4096;

  simd::DepthwiseConv conv_;
  StepTensors tensors_;
  int64_t parts_;
  int64_t grain_;
};

// Copies src into a border of its zero point, then convolves without padding:
// oneDNN pads with stored zeros, which are real zeros only for zero point 0.
class PaddedConvStep final : public Step {
 public:
  static absl::StatusOr<std::unique_ptr<Step>> Create(
      const ConvParams& params, const StepTensors& tensors) {
    auto step = std::make_unique<PaddedConvStep>(params, tensors);
    ConvParams unpadded = params;
    unpadded.geometry.in_size += 2 * params.geometry.pad;
    unpadded.geometry.pad = 0;
    StepTensors inner = tensors;
    inner.src[0] = step->padded_.data();
    ASSIGN_OR_RETURN(step->conv_, MakeConvStep(unpadded, inner));
    return step;
  }

  PaddedConvStep(const ConvParams& params, const StepTensors& tensors)
      : geometry_(params.geometry), tensors_(tensors) {
    const int64_t size = geometry_.in_size + 2 * geometry_.pad;
    padded_.assign(
        tensors.batch * size * size * geometry_.in_channels + simd::kSlackBytes,
        static_cast<uint8_t>(params.src_zero_point));
  }

  void Execute() override {
    constexpr int64_t kGrain = 64;
    nn::ParallelFor(static_cast<int64_t>(tensors_.batch) * geometry_.in_size,
                    kGrain, [this](const nn::Part& part) {
                      for (int64_t row = part.begin; row < part.end; ++row)
                        CopyRow(row);
                    });
    conv_->Execute();
  }
  std::string kernel() const override {
    return absl::StrCat("pad + ", conv_->kernel());
  }

 private:
  // `row` counts over (n, y).
  void CopyRow(int64_t row) {
    const ConvGeometry& g = geometry_;
    const int64_t size = g.in_size + 2 * g.pad;
    const int64_t image = row / g.in_size, y = row % g.in_size;
    const int64_t bytes = static_cast<int64_t>(g.in_size) * g.in_channels;
    const int64_t pixel = (image * size + y + g.pad) * size + g.pad;
    std::memcpy(padded_.data() + pixel * g.in_channels,
                tensors_.src[0] + row * bytes, bytes);
  }

  ConvGeometry geometry_;
  StepTensors tensors_;
  std::vector<uint8_t> padded_;
  std::unique_ptr<Step> conv_;
};

// Where oneDNN's kernels would saturate, and where ours are faster: on few
// channels, and where there are too few pixels for a tile of matrix registers.
bool UseOwnKernel(const ConvParams& params, int batch) {
  const Int8Isa& isa = DetectInt8Isa();
  const bool fast = isa.vnni512 && simd::HasVnni();
  const ConvGeometry& g = params.geometry;
  // A depthwise sum has no pairs that could saturate.
  if (g.depthwise) return fast && simd::DepthwiseConv::Supports(g);
  constexpr int64_t kFewWeights = 4096, kFewPixels = 16;
  const int64_t pixels = int64_t{batch} * g.out_size * g.out_size;
  const int64_t weights = g.filter_elements() * g.out_channels;
  return !isa.exact ||
         (fast && (weights <= kFewWeights || pixels < kFewPixels));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Step>> MakeConvStep(const ConvParams& params,
                                                   const StepTensors& tensors) {
  const bool own = UseOwnKernel(params, tensors.batch);
  const ConvGeometry& g = params.geometry;
  if (g.depthwise && own) {
    return std::make_unique<SimdDepthwiseStep>(params, tensors);
  }
  if (g.pad > 0 && (own || params.src_zero_point != 0)) {
    return PaddedConvStep::Create(params, tensors);
  }
  if (own) return std::make_unique<SimdDenseStep>(params, tensors);
  try {
    return std::make_unique<OnednnConvStep>(params, tensors);
  } catch (const dnnl::error& error) {
    return absl::InternalError(
        absl::StrCat("oneDNN cannot make a convolution: ", error.what()));
  }
}

}  // namespace frostnas::quant

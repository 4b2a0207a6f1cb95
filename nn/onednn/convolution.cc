#include "nn/onednn/convolution.h"

#include <vector>

#include "nn/onednn/engine.h"
#include "nn/threads.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::nn {
namespace {

using dnnl::memory;

memory::desc ActivationDesc(const Shape& s) {
  return {
      {s.n, s.c, s.h, s.w}, memory::data_type::f32, memory::format_tag::nhwc};
}

memory::desc WeightsDesc(const ConvShape& s, memory::format_tag tag) {
  return {{s.c_out, s.c_in, s.kernel, s.kernel}, memory::data_type::f32, tag};
}

// Weights in our layout and in the one a primitive wants.
class Weights {
 public:
  Weights(const ConvShape& shape, const memory::desc& wanted)
      : plain_(WeightsDesc(shape, memory::format_tag::ohwi), Engine(), nullptr),
        wanted_(wanted, Engine()),
        to_wanted_(plain_, wanted_),
        to_plain_(wanted_, plain_) {}

  memory& wanted() { return wanted_; }
  void Load(const float* weights) {
    SetData(plain_, weights);
    Execute(to_wanted_,
            {{DNNL_ARG_FROM, plain_.get()}, {DNNL_ARG_TO, wanted_.get()}});
  }
  void Store(float* weights) {
    SetData(plain_, weights);
    Execute(to_plain_,
            {{DNNL_ARG_FROM, wanted_.get()}, {DNNL_ARG_TO, plain_.get()}});
  }

 private:
  memory plain_;
  memory wanted_;
  dnnl::reorder to_wanted_, to_plain_;
};

// Threads for one call. Below this many products starting them costs more than
// it gains. Primitives are made for a number of threads, so it is one for all
// calls of a shape.
void ApplyThreads(const ConvShape& s) {
  constexpr int64_t kWorthThreads = 1 << 18;
  ApplyComputeThreads(s.dst().rows() * s.dense_weights() >= kWorthThreads);
}

struct Descs {
  explicit Descs(const ConvShape& s)
      : src(ActivationDesc(s.src())),
        dst(ActivationDesc(s.dst())),
        weights(WeightsDesc(s, memory::format_tag::any)),
        strides({s.stride, s.stride}),
        pad_begin({s.pad(), s.pad()}),
        // The last rows and columns a stride of 2 leaves out need no padding.
        pad_end({(s.out_h() - 1) * s.stride + s.kernel - s.h - s.pad(),
                 (s.out_w() - 1) * s.stride + s.kernel - s.w - s.pad()}) {}

  memory::desc src, dst, weights;
  memory::dims strides, pad_begin, pad_end;
};

dnnl::convolution_forward::primitive_desc ForwardDesc(const Descs& d) {
  return {
      {dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
       d.src, d.weights, d.dst, d.strides, d.pad_begin, d.pad_end},
      Engine()};
}

dnnl::convolution_backward_data::primitive_desc DataDesc(
    const Descs& d, const dnnl::convolution_forward::primitive_desc& hint) {
  return {{dnnl::algorithm::convolution_direct, d.src, d.weights, d.dst,
           d.strides, d.pad_begin, d.pad_end},
          Engine(),
          hint};
}

dnnl::convolution_backward_weights::primitive_desc GradientDesc(
    const Descs& d, const dnnl::convolution_forward::primitive_desc& hint) {
  return {{dnnl::algorithm::convolution_direct, d.src, d.weights, d.dst,
           d.strides, d.pad_begin, d.pad_end},
          Engine(),
          hint};
}

}  // namespace

struct OnednnConvolution::Impl {
  explicit Impl(const ConvShape& shape)
      : Impl(shape, Descs(shape), ForwardDesc(Descs(shape))) {}

  Impl(const ConvShape& shape, const Descs& descs,
       const dnnl::convolution_forward::primitive_desc& forward_desc)
      : Impl(shape, descs, forward_desc, DataDesc(descs, forward_desc),
             GradientDesc(descs, forward_desc)) {}

  Impl(const ConvShape& shape, const Descs& descs,
       const dnnl::convolution_forward::primitive_desc& forward_desc,
       const dnnl::convolution_backward_data::primitive_desc& data_desc,
       const dnnl::convolution_backward_weights::primitive_desc& weights_desc)
      : src(descs.src, Engine(), nullptr),
        dst(descs.dst, Engine(), nullptr),
        forward(forward_desc),
        data(data_desc),
        gradient(weights_desc),
        forward_weights(shape, forward_desc.weights_desc()),
        data_weights(shape, data_desc.weights_desc()),
        gradient_weights(shape, weights_desc.diff_weights_desc()) {}

  memory src, dst;
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_data data;
  dnnl::convolution_backward_weights gradient;
  Weights forward_weights, data_weights, gradient_weights;
  std::vector<float> diff_weights;  // of one call, before it is added
};

OnednnConvolution::OnednnConvolution(const ConvShape& shape) : shape_(shape) {
  ApplyThreads(shape_);
  impl_ = std::make_unique<Impl>(shape);
}

OnednnConvolution::~OnednnConvolution() = default;

void OnednnConvolution::Forward(const float* src, const float* weights,
                                float* dst) {
  ApplyThreads(shape_);
  SetData(impl_->src, src);
  SetData(impl_->dst, dst);
  impl_->forward_weights.Load(weights);
  Execute(impl_->forward,
          {{DNNL_ARG_SRC, impl_->src.get()},
           {DNNL_ARG_WEIGHTS, impl_->forward_weights.wanted().get()},
           {DNNL_ARG_DST, impl_->dst.get()}});
}

void OnednnConvolution::BackwardData(const float* diff_dst,
                                     const float* weights, float* diff_src) {
  ApplyThreads(shape_);
  SetData(impl_->src, diff_src);
  SetData(impl_->dst, diff_dst);
  impl_->data_weights.Load(weights);
  Execute(impl_->data, {{DNNL_ARG_DIFF_SRC, impl_->src.get()},
                        {DNNL_ARG_WEIGHTS, impl_->data_weights.wanted().get()},
                        {DNNL_ARG_DIFF_DST, impl_->dst.get()}});
}

void OnednnConvolution::BackwardWeights(const float* src, const float* diff_dst,
                                        float* diff_weights) {
  ApplyThreads(shape_);
  SetData(impl_->src, src);
  SetData(impl_->dst, diff_dst);
  Execute(impl_->gradient,
          {{DNNL_ARG_SRC, impl_->src.get()},
           {DNNL_ARG_DIFF_WEIGHTS, impl_->gradient_weights.wanted().get()},
           {DNNL_ARG_DIFF_DST, impl_->dst.get()}});
  impl_->diff_weights.resize(static_cast<size_t>(shape_.dense_weights()));
  impl_->gradient_weights.Store(impl_->diff_weights.data());
  for (float gradient : impl_->diff_weights) *diff_weights++ += gradient;
}

}  // namespace frostnas::nn

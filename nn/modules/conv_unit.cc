#include "nn/modules/conv_unit.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "nn/modules/weights.h"

namespace frostnas::nn {
namespace {

Rows RowsOf(const Tensor& tensor) {
  return {tensor.shape().rows(), tensor.shape().c};
}

std::vector<double> ToDouble(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void AddTo(const std::vector<double>& values, std::vector<float>& sums) {
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i] += static_cast<float>(values[i]);
  }
}

// Range of a clamped, per-channel affine image of channels in [min, max]: the
// ends of each channel's range map to the ends of its image.
ValueRange ImageRange(const ChannelStats& stats, const ChannelAffine& affine,
                      float low, float high) {
  ValueRange range = {Epilogue::kInfinity, -Epilogue::kInfinity};
  for (size_t c = 0; c < affine.scale.size(); ++c) {
    for (const float end : {stats.min[c], stats.max[c]}) {
      const float v = std::clamp(
          std::fma(affine.scale[c], end, affine.shift[c]), low, high);
      range.min = std::min(range.min, v);
      range.max = std::max(range.max, v);
    }
  }
  return range;
}

}  // namespace

ConvUnit::ConvUnit(const ConvUnitOptions& options, const Random& random)
    : options_(options),
      convolution_(options.depthwise
                       ? MakeDepthwiseConvolution()
                       : MakeDenseConvolution(options.kernel, options.stride)) {
  const int k = options.kernel;
  const std::string& name = options.name;
  weight_ = options.depthwise
                ? MakeParameter(name, "weight", ParameterRole::kDepthwiseWeight,
                                {k, k, options.c_in})
                : MakeParameter(name, "weight", ParameterRole::kWeight,
                                {options.c_out, k, k, options.c_in});
  // A depthwise input reaches k * k outputs.
  InitKaimingNormal(options.depthwise ? k * k : k * k * options.c_out,
                    random.Split("weight"), weight_);
  const std::vector<int> per_channel = {options.c_out};
  if (has_bias()) {
    bias_ = MakeParameter(name, "bias", ParameterRole::kBias, per_channel);
  }
  if (options.batch_norm) {
    gamma_ = MakeParameter(name, "gamma", ParameterRole::kNorm, per_channel);
    beta_ = MakeParameter(name, "beta", ParameterRole::kNorm, per_channel);
    std::fill(gamma_.value.begin(), gamma_.value.end(), 1.0f);
    mean_ = {absl::StrCat(name, ".mean"),
             std::vector<float>(options.c_out, 0.0f)};
    var_ = {absl::StrCat(name, ".var"),
            std::vector<float>(options.c_out, 1.0f)};
  }
}

std::vector<Parameter*> ConvUnit::parameters() {
  std::vector<Parameter*> parameters = {&weight_};
  if (has_bias()) parameters.push_back(&bias_);
  if (options_.batch_norm) {
    parameters.push_back(&gamma_);
    parameters.push_back(&beta_);
  }
  return parameters;
}

std::vector<StateBuffer*> ConvUnit::state() {
  if (!options_.batch_norm) return {};
  return {&mean_, &var_};
}

void ConvUnit::SetQuantization(const LayerQuantization& quantization) {
  weight_bits_ = quantization.weight_bits;
  output_.Set(quantization.output);
}

ConvShape ConvUnit::ShapeFor(const Shape& src) const {
  return {.n = src.n,
          .h = src.h,
          .w = src.w,
          .c_in = options_.c_in,
          .c_out = options_.c_out,
          .kernel = options_.kernel,
          .stride = options_.stride};
}

const std::vector<float>& ConvUnit::EffectiveWeights() const {
  return weight_bits_ > 0 ? quantized_ : weight_.value;
}

void ConvUnit::Forward(Sources src, Mode mode, Tensor& dst) {
  if (weight_bits_ > 0) {
    const int taps = options_.kernel * options_.kernel;
    FakeQuantizeWeights(options_.depthwise
                            ? DepthwiseLayout(options_.c_out, taps)
                            : DenseLayout(options_.c_out, taps * options_.c_in),
                        weight_bits_, weight_.value, quantized_);
  }
  const ConvShape shape = ShapeFor(src[0]->shape());
  dst.Resize(shape.dst());
  // Only Backward needs y apart from dst.
  Tensor& y = mode == Mode::kTrain ? y_ : dst;
  y.Resize(shape.dst());
  convolution_->Forward(shape, src[0]->data(), EffectiveWeights().data(),
                        y.data());
  if (options_.norm_after_activation) ActivateFirst(y);
  if (options_.batch_norm) {
    PrepareNorm(y, mode);
  } else {
    PrepareBias(y, mode);
  }
  ApplyAffine(RowsOf(y), affine_, epilogue_, y.data(), dst.data());
}

void ConvUnit::ActivateFirst(Tensor& y) const {
  const ChannelAffine bias = {std::vector<float>(options_.c_out, 1.0f),
                              bias_.value};
  ApplyAffine(RowsOf(y), bias,
              ClampEpilogue(options_.act_low, options_.act_high), y.data(),
              y.data());
}

void ConvUnit::PrepareNorm(const Tensor& y, Mode mode) {
  if (mode == Mode::kEval) {
    UseStatistics(ToDouble(mean_.value), ToDouble(var_.value));
    PrepareEpilogue(nullptr, mode);
    return;
  }
  ChannelStats stats;
  ComputeChannelStats(RowsOf(y), y.data(), stats);
  if (mode == Mode::kTrain) UpdateRunning(stats, y.shape().rows());
  UseStatistics(stats.mean, stats.variance);
  PrepareEpilogue(&stats, mode);
}

void ConvUnit::PrepareBias(const Tensor& y, Mode mode) {
  affine_.scale.assign(options_.c_out, 1.0f);
  affine_.shift = bias_.value;
  if (!output_.Observes(mode)) return PrepareEpilogue(nullptr, mode);
  ChannelStats stats;
  ComputeChannelStats(RowsOf(y), y.data(), stats);
  PrepareEpilogue(&stats, mode);
}

void ConvUnit::PrepareEpilogue(const ChannelStats* stats, Mode mode) {
  const bool activated = options_.norm_after_activation;
  const float low = activated ? -Epilogue::kInfinity : options_.act_low;
  const float high = activated ? Epilogue::kInfinity : options_.act_high;
  if (output_.Observes(mode)) {
    output_.Observe(ImageRange(*stats, affine_, low, high));
  }
  epilogue_ = output_.MakeEpilogue(low, high);
}

void ConvUnit::UseStatistics(const std::vector<double>& mean,
                             const std::vector<double>& variance) {
  const size_t channels = mean.size();
  inverse_deviation_.resize(channels);
  batch_mean_.resize(channels);
  affine_.scale.resize(channels);
  affine_.shift.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    inverse_deviation_[c] = 1 / std::sqrt(variance[c] + options_.epsilon);
    batch_mean_[c] = static_cast<float>(mean[c]);
    const double scale = double{gamma_.value[c]} * inverse_deviation_[c];
    affine_.scale[c] = static_cast<float>(scale);
    affine_.shift[c] =
        static_cast<float>(double{beta_.value[c]} - mean[c] * scale);
  }
}

void ConvUnit::UpdateRunning(const ChannelStats& stats, int64_t rows) {
  const double n = static_cast<double>(rows);
  const double unbiased = rows > 1 ? n / (n - 1) : 1;
  const double m = options_.momentum;
  for (size_t c = 0; c < mean_.value.size(); ++c) {
    mean_.value[c] =
        static_cast<float>((1 - m) * mean_.value[c] + m * stats.mean[c]);
    var_.value[c] = static_cast<float>((1 - m) * var_.value[c] +
                                       m * stats.variance[c] * unbiased);
  }
}

void ConvUnit::Backward(Sources src, Tensor& diff_dst,
                        absl::Span<Tensor* const> diff_src) {
  if (options_.batch_norm) {
    BackwardNorm(diff_dst);
    if (options_.norm_after_activation) BackwardActivateFirst(diff_dst);
  } else {
    BackwardBias(epilogue_, diff_dst);
  }
  const ConvShape shape = ShapeFor(src[0]->shape());
  convolution_->BackwardWeights(shape, src[0]->data(), diff_dst.data(),
                                weight_.grad.data());
  if (diff_src[0] == nullptr) return;
  diff_src[0]->Resize(shape.src());
  convolution_->BackwardData(shape, diff_dst.data(), EffectiveWeights().data(),
                             diff_src[0]->data());
}

// With g the gradient past the epilogue, xhat = (y - mean) * s and N rows:
//   diff_y = gamma * s * (g - sum(g) / N - xhat * sum(g * xhat) / N).
void ConvUnit::BackwardNorm(Tensor& diff) {
  GradientSums sums;
  const GradientPass pass = {RowsOf(diff), affine_, epilogue_, y_.data(),
                             diff.data()};
  ReduceGradient(pass, batch_mean_, sums);
  const double rows = static_cast<double>(diff.shape().rows());
  const size_t channels = batch_mean_.size();
  GradientCorrection correction = {.offset = std::vector<float>(channels),
                                   .slope = std::vector<float>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const double s = inverse_deviation_[c];
    const double slope = affine_.scale[c] * s * s * sums.sum_centered[c] / rows;
    correction.slope[c] = static_cast<float>(slope);
    correction.offset[c] = static_cast<float>(
        affine_.scale[c] * sums.sum[c] / rows - slope * batch_mean_[c]);
    gamma_.grad[c] += static_cast<float>(sums.sum_centered[c] * s);
  }
  AddTo(sums.sum, beta_.grad);
  ApplyGradient(pass, correction, diff.data());
}

void ConvUnit::BackwardActivateFirst(Tensor& diff) {
  // y_ holds act(...), which is inside the clamp where its argument was.
  affine_.scale.assign(options_.c_out, 1.0f);
  affine_.shift.assign(options_.c_out, 0.0f);
  BackwardBias(ClampEpilogue(options_.act_low, options_.act_high), diff);
}

void ConvUnit::BackwardBias(const Epilogue& epilogue, Tensor& diff) {
  const std::vector<float> zeros(options_.c_out);
  GradientSums sums;
  const GradientPass pass = {RowsOf(diff), affine_, epilogue, y_.data(),
                             diff.data()};
  ReduceGradient(pass, zeros, sums);
  AddTo(sums.sum, bias_.grad);
  const bool passes_all = epilogue.pass_low == -Epilogue::kInfinity &&
                          epilogue.pass_high == Epilogue::kInfinity;
  if (passes_all) return;
  ApplyGradient(pass, {.offset = zeros, .slope = zeros}, diff.data());
}

}  // namespace frostnas::nn

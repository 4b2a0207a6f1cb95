#include "nn/modules/conv_unit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "nn/fused/channel_ops.h"
#include "nn/modules/weights.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

void AddSums(const std::vector<double>& values, std::vector<float>& sums) {
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i] += static_cast<float>(values[i]);
  }
}

// What a loop over a convolution goes through: its items, or pixels of dst
// where it takes the whole batch and only what surrounds it goes by chunks.
struct ItemSizes {
  ConvShape items;
  int64_t count = 0;
  int64_t src = 0;  // floats of an item
  int64_t dst = 0;
  ChunkLoop Loop() const { return ChunkLoop(count, src + dst); }
  ConvShape Shape(const Chunk& chunk) const {
    ConvShape shape = items;
    shape.n = static_cast<int>(chunk.count);
    return shape;
  }
};

ItemSizes SizesOf(const Convolution& convolution, const ConvShape& shape) {
  if (!convolution.by_items()) {
    return {.items = shape, .count = shape.dst().rows(), .dst = shape.c_out};
  }
  const ConvShape items = convolution.Items(shape);
  return {.items = items,
          .count = items.n,
          .src = items.src_elements() / items.n,
          .dst = items.dst_elements() / items.n};
}

// Where results that will be stored are made: in place, or, where storing
// rounds them, in memory of the thread.
float* ResultsFor(Elements stored, int64_t count) {
  if (stored.type() == DataType::kFloat32) return stored.f32();
  return ThreadScratch(ScratchUse::kResult, DataType::kFloat32, count).f32();
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

ChannelLayout LayoutOf(const ConvUnitOptions& options) {
  const int taps = options.kernel * options.kernel;
  return options.depthwise ? DepthwiseLayout(options.c_out, taps)
                           : DenseLayout(options.c_out, taps * options.c_in);
}

}  // namespace

ConvUnit::ConvUnit(const ConvUnitOptions& options, const Random& random)
    : options_(options),
      convolution_(options.depthwise
                       ? MakeDepthwiseConvolution()
                       : MakeDenseConvolution({.c_in = options.c_in,
                                               .c_out = options.c_out,
                                               .kernel = options.kernel,
                                               .stride = options.stride})),
      weights_(LayoutOf(options)) {
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
  batch_mean_.assign(static_cast<size_t>(options.c_out), 0.0f);
  if (options.norm_after_activation) {
    first_.emplace(options.c_out, options.act_low, options.act_high);
  }
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
  CHECK(options_.precision == Precision::kFloat32 ||
        (quantization.weights == nullptr &&
         (quantization.output == nullptr || !quantization.output->learning())))
      << options_.name << ": quantizers that learn need single precision";
  weights_.Set(quantization);
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

ConstElements ConvUnit::EffectiveWeights(DataType type) const {
  if (type == DataType::kBfloat16) return rounded_.data();
  return weights_.values(weight_).data();
}

bool ConvUnit::Rounds(Mode mode) const {
  return options_.precision == Precision::kMixed && mode != Mode::kEval &&
         convolution_->by_items() && !options_.norm_after_activation;
}

bool ConvUnit::FinishLater(ConvUnit& consumer) {
  if (options_.norm_after_activation || !consumer.convolution_->by_items()) {
    return false;
  }
  has_consumer_ = true;
  consumer.producer_ = this;
  return true;
}

void ConvUnit::PrepareWeights() {
  weights_.Prepare(weight_);
  if (forward_operand_ == DataType::kFloat32 &&
      backward_operand_ == DataType::kFloat32) {
    return;
  }
  const std::vector<float>& weights = weights_.values(weight_);
  rounded_.resize(weights.size());
  Round(static_cast<int64_t>(weights.size()), weights.data(), rounded_.data());
}

Epilogue ConvUnit::LastClamp() const {
  if (options_.norm_after_activation) return Epilogue();
  return ClampEpilogue(options_.act_low, options_.act_high);
}

ConstElements ConvUnit::Source(DataType type, const Tensor& src, int64_t at,
                               int64_t count) const {
  const ConstElements from = src.typed_data() + at;
  const bool pending = producer_ != nullptr && producer_->pending_;
  if (!pending && from.type() == type) return from;
  const Elements ready = ThreadScratch(ScratchUse::kSource, type, count);
  if (pending) {
    producer_->finish_.Apply(count / options_.c_in, from, ready);
  } else {
    Round(count, from.f32(), ready.bf16());
  }
  return ready;
}

Tensor& ConvUnit::PlaceY(Mode mode, const Shape& shape, Tensor& dst) {
  pending_ = has_consumer_ && mode != Mode::kEval;
  const bool keeps = mode == Mode::kTrain && !pending_;
  const bool rounds = Rounds(mode) && (keeps || pending_);
  if (keeps) dst.Resize(shape);
  Tensor& y = keeps ? kept_ : dst;
  y.Resize(shape, rounds ? DataType::kFloat16 : DataType::kFloat32);
  y_ = &y;
  return y;
}

void ConvUnit::Forward(Sources src, Mode mode, Tensor& dst) {
  const bool rounds = Rounds(mode);
  forward_operand_ = rounds ? convolution_->forward_type() : DataType::kFloat32;
  backward_operand_ =
      rounds ? convolution_->backward_type() : DataType::kFloat32;
  PrepareWeights();
  const ConvShape shape = ShapeFor(src[0]->shape());
  Tensor& y = PlaceY(mode, shape.dst(), dst);
  // Statistics and ranges of the whole batch come before what follows y.
  const bool measures =
      rounds || output_.Observes(mode) || UsesBatchStatistics(mode);
  if (!measures) PrepareFromState();

  const ItemSizes sizes = SizesOf(*convolution_, shape);
  const ChunkLoop loop = sizes.Loop();
  const absl::Span<StatsPart> stats =
      StartParts(stats_parts_, measures ? loop.parts() : 0, options_.c_out);
  if (first_.has_value()) first_->Prepare(bias_.value);
  if (!convolution_->by_items()) {
    convolution_->Forward(shape, src[0]->data(),
                          EffectiveWeights(forward_operand_), y.data());
  }
  loop.Run([&](const Chunk& chunk) {
    const Elements stored = y.typed_data() + chunk.begin * sizes.dst;
    const int64_t count = chunk.count * sizes.dst;
    const int64_t rows = count / options_.c_out;
    float* to = ResultsFor(stored, count);
    if (convolution_->by_items()) {
      convolution_->Forward(
          sizes.Shape(chunk),
          Source(forward_operand_, *src[0], chunk.begin * sizes.src,
                 chunk.count * sizes.src),
          EffectiveWeights(forward_operand_), to);
    }
    if (first_.has_value()) first_->Forward(rows, to);
    if (measures) {
      const bool round = stored.type() == DataType::kFloat16;
      stats[chunk.part].Add(rows, to, round ? stored.f16() : nullptr);
    } else if (!pending_) {
      finish_.Apply(rows, to, dst.data() + chunk.begin * sizes.dst);
    }
  });
  if (!measures) return;
  CombineStats(stats, stats_);
  PrepareFromStats(y.shape().rows(), mode);
  if (pending_) return;
  loop.Run([&](const Chunk& chunk) {
    const int64_t at = chunk.begin * sizes.dst;
    finish_.Apply(chunk.count * sizes.dst / options_.c_out, y.typed_data() + at,
                  dst.data() + at);
  });
}

void ConvUnit::PrepareFromState() {
  UseState();
  PrepareEpilogue(false);
}

void ConvUnit::PrepareFromStats(int64_t rows, Mode mode) {
  if (UsesBatchStatistics(mode)) {
    if (mode == Mode::kTrain) UpdateRunning(rows);
    UseStatistics();
  } else {
    UseState();
  }
  PrepareEpilogue(output_.Observes(mode));
}

void ConvUnit::UseState() {
  if (!options_.batch_norm) return UseBias();
  stats_.mean.assign(mean_.value.begin(), mean_.value.end());
  stats_.variance.assign(var_.value.begin(), var_.value.end());
  UseStatistics();
}

void ConvUnit::PrepareEpilogue(bool observe) {
  const Epilogue clamp = LastClamp();
  if (observe) {
    output_.Observe(ImageRange(stats_, affine_, clamp.low, clamp.high));
  }
  epilogue_ = output_.MakeEpilogue(clamp.low, clamp.high);
  finish_.Set(affine_, epilogue_);
  learns_ = output_.Learns();
  gate_ = learns_ ? clamp : epilogue_;
}

void ConvUnit::UseBias() {
  affine_.scale.assign(static_cast<size_t>(options_.c_out), 1.0f);
  affine_.shift = bias_.value;
}

void ConvUnit::UseStatistics() {
  const size_t channels = stats_.mean.size();
  inverse_deviation_.resize(channels);
  batch_mean_.resize(channels);
  affine_.scale.resize(channels);
  affine_.shift.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    inverse_deviation_[c] =
        1 / std::sqrt(stats_.variance[c] + options_.epsilon);
    batch_mean_[c] = static_cast<float>(stats_.mean[c]);
    const double scale = double{gamma_.value[c]} * inverse_deviation_[c];
    affine_.scale[c] = static_cast<float>(scale);
    affine_.shift[c] =
        static_cast<float>(double{beta_.value[c]} - stats_.mean[c] * scale);
  }
}

void ConvUnit::UpdateRunning(int64_t rows) {
  const double n = static_cast<double>(rows);
  const double unbiased = rows > 1 ? n / (n - 1) : 1;
  const double m = options_.momentum;
  for (size_t c = 0; c < mean_.value.size(); ++c) {
    mean_.value[c] =
        static_cast<float>((1 - m) * mean_.value[c] + m * stats_.mean[c]);
    var_.value[c] = static_cast<float>((1 - m) * var_.value[c] +
                                       m * stats_.variance[c] * unbiased);
  }
}

void ConvUnit::LearnOutput(Tensor& diff) {
  raw_.Resize(diff.shape());
  ApplyAffine({diff.shape().rows(), options_.c_out}, affine_, gate_, y_->data(),
              raw_.data());
  output_.hook()->Backward(raw_, diff);
}

void ConvUnit::ReduceDiff(const Tensor& diff) {
  if (std::exchange(reduced_, false)) return;
  ReduceGradient({{diff.shape().rows(), options_.c_out},
                  affine_,
                  gate_,
                  y_->typed_data(),
                  diff.data()},
                 batch_mean_, sums_);
}

// With g the gradient past the epilogue, xhat = (y - mean) * s and N rows:
//   diff_y = gamma * s * (g - sum(g) / N - xhat * sum(g * xhat) / N),
// or gamma * s * g where the statistics are not the batch's.
void ConvUnit::BackwardNorm(int64_t count) {
  const size_t channels = options_.c_out;
  correction_.offset.assign(channels, 0.0f);
  correction_.slope.assign(channels, 0.0f);
  if (!options_.batch_norm) return AddSums(sums_.sum, bias_.grad);
  const double rows = static_cast<double>(count);
  for (size_t c = 0; c < channels; ++c) {
    const double s = inverse_deviation_[c];
    gamma_.grad[c] += static_cast<float>(sums_.sum_centered[c] * s);
    if (options_.frozen_norm) continue;
    const double slope =
        affine_.scale[c] * s * s * sums_.sum_centered[c] / rows;
    correction_.slope[c] = static_cast<float>(slope);
    correction_.offset[c] = static_cast<float>(
        affine_.scale[c] * sums_.sum[c] / rows - slope * batch_mean_[c]);
  }
  AddSums(sums_.sum, beta_.grad);
}

void ConvUnit::Backward(Sources src, Tensor& diff_dst,
                        absl::Span<Tensor* const> diff_src) {
  if (learns_) LearnOutput(diff_dst);
  ReduceDiff(diff_dst);
  BackwardNorm(diff_dst.shape().rows());
  to_y_.Set(affine_, gate_, correction_);
  const ConvShape shape = ShapeFor(src[0]->shape());
  if (diff_src[0] != nullptr) {
    const bool rounds = src[0]->type() == DataType::kFloat16;
    diff_src[0]->Resize(shape.src(),
                        rounds ? DataType::kBfloat16 : DataType::kFloat32);
  }
  if (convolution_->by_items()) {
    BackwardByItems(shape, *src[0], diff_dst, diff_src[0]);
    return;
  }
  BackwardToY(diff_dst);
  convolution_->BackwardWeights(shape, src[0]->data(), diff_dst.data(),
                                weights_.StartBackward(weight_).data());
  weights_.EndBackward(weight_);
  if (diff_src[0] == nullptr) return;
  convolution_->BackwardData(shape, diff_dst.data(),
                             EffectiveWeights(backward_operand_),
                             diff_src[0]->data());
}

// diff of dst -> diff of the convolution's output, in place.
void ConvUnit::BackwardToY(Tensor& diff) {
  const ChunkLoop loop(diff.shape().rows(), options_.c_out);
  if (first_.has_value()) first_->StartBackward(loop.parts());
  loop.Run([&](const Chunk& chunk) {
    const int64_t at = chunk.begin * options_.c_out;
    float* values = diff.data() + at;
    const ConstElements y = y_->typed_data() + at;
    to_y_.Apply(chunk.count, y, values, values);
    if (first_.has_value()) {
      first_->Backward(chunk.part, chunk.count, y, values);
    }
  });
  if (first_.has_value()) AddSums(first_->EndBackward(), bias_.grad);
}

void ConvUnit::BackwardByItems(const ConvShape& shape, const Tensor& src,
                               const Tensor& diff_dst, Tensor* diff_src) {
  const ItemSizes sizes = SizesOf(*convolution_, shape);
  const ChunkLoop loop = sizes.Loop();
  diff_weights_.resize(static_cast<size_t>(loop.parts()));
  for (std::vector<float>& part : diff_weights_) part.clear();
  absl::Span<GradientPart> reduced;
  if (diff_src != nullptr && producer_ != nullptr && producer_->pending_ &&
      !producer_->learns_) {
    reduced = StartParts(reduced_parts_, loop.parts(), producer_->affine_,
                         producer_->gate_, producer_->batch_mean_);
  }
  if (first_.has_value()) first_->StartBackward(loop.parts());
  loop.Run([&](const Chunk& chunk) {
    const int64_t from = chunk.begin * sizes.src;
    const int64_t to = chunk.begin * sizes.dst;
    const int64_t dst_floats = chunk.count * sizes.dst;
    const int64_t src_floats = chunk.count * sizes.src;
    const int64_t rows = dst_floats / options_.c_out;
    const ConstElements y = y_->typed_data() + to;
    const Elements diff_y =
        ThreadScratch(ScratchUse::kGradient, backward_operand_, dst_floats);
    to_y_.Apply(rows, y, diff_dst.typed_data() + to, diff_y);
    if (first_.has_value()) first_->Backward(chunk.part, rows, y, diff_y);
    const ConvShape part = sizes.Shape(chunk);
    std::vector<float>& diff_weights = diff_weights_[chunk.part];
    diff_weights.resize(weight_.grad.size());
    convolution_->BackwardWeights(
        part, Source(backward_operand_, src, from, src_floats), diff_y,
        diff_weights.data());
    if (diff_src == nullptr) return;
    const Elements stored = diff_src->typed_data() + from;
    float* diff_x = ResultsFor(stored, src_floats);
    convolution_->BackwardData(part, diff_y,
                               EffectiveWeights(backward_operand_), diff_x);
    if (reduced.empty()) return;
    const bool round = stored.type() == DataType::kBfloat16;
    reduced[chunk.part].Add(src_floats / options_.c_in, src.typed_data() + from,
                            diff_x, round ? stored.bf16() : nullptr);
  });
  if (first_.has_value()) AddSums(first_->EndBackward(), bias_.grad);
  AddDiffWeights();
  if (reduced.empty()) return;
  CombineGradients(reduced, producer_->sums_);
  producer_->reduced_ = true;
}

void ConvUnit::AddDiffWeights() {
  constexpr int64_t kGrain = 1 << 14;
  std::vector<float>& total = weights_.StartBackward(weight_);
  ParallelFor(static_cast<int64_t>(total.size()), kGrain,
              [&](const Part& range) {
                float* sum = total.data();
                for (const std::vector<float>& part : diff_weights_) {
                  const float* from = part.data();
                  for (int64_t i = range.begin; i < range.end; ++i) {
                    sum[i] += from[i];
                  }
                }
              });
  weights_.EndBackward(weight_);
}

}  // namespace frostnas::nn

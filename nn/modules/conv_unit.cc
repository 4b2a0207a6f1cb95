#include "nn/modules/conv_unit.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "nn/fused/channel_ops.h"
#include "nn/modules/weights.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

std::vector<double> ToDouble(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

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

}  // namespace

ConvUnit::ConvUnit(const ConvUnitOptions& options, const Random& random)
    : options_(options),
      convolution_(options.depthwise
                       ? MakeDepthwiseConvolution()
                       : MakeDenseConvolution({.c_in = options.c_in,
                                               .c_out = options.c_out,
                                               .kernel = options.kernel,
                                               .stride = options.stride})) {
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

ConstElements ConvUnit::EffectiveWeights(DataType type) const {
  if (type == DataType::kBfloat16) return rounded_.data();
  return weight_bits_ > 0 ? quantized_.data() : weight_.value.data();
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
  if (weight_bits_ > 0) {
    const int taps = options_.kernel * options_.kernel;
    FakeQuantizeWeights(options_.depthwise
                            ? DepthwiseLayout(options_.c_out, taps)
                            : DenseLayout(options_.c_out, taps * options_.c_in),
                        weight_bits_, weight_.value, quantized_);
  }
  if (forward_operand_ == DataType::kFloat32 &&
      backward_operand_ == DataType::kFloat32) {
    return;
  }
  const std::vector<float>& weights =
      weight_bits_ > 0 ? quantized_ : weight_.value;
  rounded_.resize(weights.size());
  Round(static_cast<int64_t>(weights.size()), weights.data(), rounded_.data());
}

AffineChunks ConvUnit::ActivateFirst() const {
  return AffineChunks({std::vector<float>(options_.c_out, 1.0f), bias_.value},
                      ClampEpilogue(options_.act_low, options_.act_high));
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
    producer_->finish_->Apply(count / options_.c_in, from, ready);
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
  const bool measures = rounds || output_.Observes(mode) ||
                        (options_.batch_norm && mode != Mode::kEval);
  if (!measures) PrepareFromState();

  const ItemSizes sizes = SizesOf(*convolution_, shape);
  const ChunkLoop loop = sizes.Loop();
  std::vector<StatsPart> stats(measures ? loop.parts() : 0,
                               StatsPart(options_.c_out));
  std::optional<AffineChunks> first;
  if (options_.norm_after_activation) first = ActivateFirst();
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
    if (first.has_value()) first->Apply(rows, to, to);
    if (measures) {
      const bool round = stored.type() == DataType::kFloat16;
      stats[chunk.part].Add(rows, to, round ? stored.f16() : nullptr);
    } else if (!pending_) {
      finish_->Apply(rows, to, dst.data() + chunk.begin * sizes.dst);
    }
  });
  if (!measures) return;
  ChannelStats all;
  CombineStats(stats, all);
  PrepareFromStats(all, y.shape().rows(), mode);
  if (pending_) return;
  loop.Run([&](const Chunk& chunk) {
    const int64_t at = chunk.begin * sizes.dst;
    finish_->Apply(chunk.count * sizes.dst / options_.c_out,
                   y.typed_data() + at, dst.data() + at);
  });
}

void ConvUnit::PrepareFromState() {
  if (options_.batch_norm) {
    UseStatistics(ToDouble(mean_.value), ToDouble(var_.value));
  } else {
    affine_ = {std::vector<float>(options_.c_out, 1.0f), bias_.value};
  }
  PrepareEpilogue(nullptr);
}

void ConvUnit::PrepareFromStats(const ChannelStats& stats, int64_t rows,
                                Mode mode) {
  if (options_.batch_norm) {
    if (mode == Mode::kTrain) UpdateRunning(stats, rows);
    UseStatistics(stats.mean, stats.variance);
  } else {
    affine_ = {std::vector<float>(options_.c_out, 1.0f), bias_.value};
  }
  PrepareEpilogue(output_.Observes(mode) ? &stats : nullptr);
}

// Observes first where `stats` says the range.
void ConvUnit::PrepareEpilogue(const ChannelStats* stats) {
  const Epilogue clamp = LastClamp();
  if (stats != nullptr) {
    output_.Observe(ImageRange(*stats, affine_, clamp.low, clamp.high));
  }
  epilogue_ = output_.MakeEpilogue(clamp.low, clamp.high);
  finish_.emplace(affine_, epilogue_);
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

// Backward of u = act(y + bias) on chunks: gates diff and sums it for the bias.
// Does nothing where the activation comes last. y holds u, which is inside the
// clamp where its argument was.
class ConvUnit::FirstActivation {
 public:
  FirstActivation(const ConvUnit& unit, int parts) {
    if (!unit.options_.norm_after_activation) return;
    const size_t channels = unit.options_.c_out;
    const std::vector<float> zeros(channels);
    const ChannelAffine identity = {std::vector<float>(channels, 1.0f), zeros};
    const Epilogue clamp =
        ClampEpilogue(unit.options_.act_low, unit.options_.act_high);
    gate_.emplace(identity, clamp,
                  GradientCorrection{.offset = zeros, .slope = zeros});
    sums_.assign(static_cast<size_t>(parts),
                 GradientPart(identity, clamp, zeros));
  }

  void Backward(const Chunk& chunk, int64_t rows, ConstElements u,
                Elements diff) {
    if (!gate_.has_value()) return;
    sums_[chunk.part].Add(rows, u, diff.f32());
    gate_->Apply(rows, u, diff, diff);
  }

  void AddTo(std::vector<float>& diff_bias) const {
    if (!gate_.has_value()) return;
    GradientSums sums;
    CombineGradients(sums_, sums);
    AddSums(sums.sum, diff_bias);
  }

 private:
  std::optional<GradientChunks> gate_;
  std::vector<GradientPart> sums_;
};

GradientSums ConvUnit::ReduceDiff(const Tensor& diff) {
  if (reduced_.has_value()) {
    GradientSums sums = *std::move(reduced_);
    reduced_.reset();
    return sums;
  }
  GradientSums sums;
  ReduceGradient({{diff.shape().rows(), options_.c_out},
                  affine_,
                  epilogue_,
                  y_->typed_data(),
                  diff.data()},
                 batch_mean_, sums);
  return sums;
}

// With g the gradient past the epilogue, xhat = (y - mean) * s and N rows:
//   diff_y = gamma * s * (g - sum(g) / N - xhat * sum(g * xhat) / N).
GradientCorrection ConvUnit::BackwardNorm(const GradientSums& sums,
                                          int64_t count) {
  const size_t channels = options_.c_out;
  GradientCorrection correction = {.offset = std::vector<float>(channels),
                                   .slope = std::vector<float>(channels)};
  if (!options_.batch_norm) {
    AddSums(sums.sum, bias_.grad);
    return correction;
  }
  const double rows = static_cast<double>(count);
  for (size_t c = 0; c < channels; ++c) {
    const double s = inverse_deviation_[c];
    const double slope = affine_.scale[c] * s * s * sums.sum_centered[c] / rows;
    correction.slope[c] = static_cast<float>(slope);
    correction.offset[c] = static_cast<float>(
        affine_.scale[c] * sums.sum[c] / rows - slope * batch_mean_[c]);
    gamma_.grad[c] += static_cast<float>(sums.sum_centered[c] * s);
  }
  AddSums(sums.sum, beta_.grad);
  return correction;
}

void ConvUnit::Backward(Sources src, Tensor& diff_dst,
                        absl::Span<Tensor* const> diff_src) {
  const GradientSums sums = ReduceDiff(diff_dst);
  const GradientChunks to_y(affine_, epilogue_,
                            BackwardNorm(sums, diff_dst.shape().rows()));
  const ConvShape shape = ShapeFor(src[0]->shape());
  if (diff_src[0] != nullptr) {
    const bool rounds = src[0]->type() == DataType::kFloat16;
    diff_src[0]->Resize(shape.src(),
                        rounds ? DataType::kBfloat16 : DataType::kFloat32);
  }
  if (convolution_->by_items()) {
    BackwardByItems(shape, to_y, *src[0], diff_dst, diff_src[0]);
    return;
  }
  BackwardToY(to_y, diff_dst);
  convolution_->BackwardWeights(shape, src[0]->data(), diff_dst.data(),
                                weight_.grad.data());
  if (diff_src[0] == nullptr) return;
  convolution_->BackwardData(shape, diff_dst.data(),
                             EffectiveWeights(backward_operand_),
                             diff_src[0]->data());
}

// diff of dst -> diff of the convolution's output, in place.
void ConvUnit::BackwardToY(const GradientChunks& to_y, Tensor& diff) {
  const ChunkLoop loop(diff.shape().rows(), options_.c_out);
  FirstActivation first(*this, loop.parts());
  loop.Run([&](const Chunk& chunk) {
    const int64_t at = chunk.begin * options_.c_out;
    float* values = diff.data() + at;
    const ConstElements y = y_->typed_data() + at;
    to_y.Apply(chunk.count, y, values, values);
    first.Backward(chunk, chunk.count, y, values);
  });
  first.AddTo(bias_.grad);
}

void ConvUnit::BackwardByItems(const ConvShape& shape,
                               const GradientChunks& to_y, const Tensor& src,
                               const Tensor& diff_dst, Tensor* diff_src) {
  const ItemSizes sizes = SizesOf(*convolution_, shape);
  const ChunkLoop loop = sizes.Loop();
  const bool pending = producer_ != nullptr && producer_->pending_;
  const size_t parts = static_cast<size_t>(loop.parts());
  diff_weights_.resize(parts);
  for (std::vector<float>& part : diff_weights_) part.clear();
  std::vector<GradientPart> reduced;
  if (pending && diff_src != nullptr) {
    reduced.assign(parts, GradientPart(producer_->affine_, producer_->epilogue_,
                                       producer_->batch_mean_));
  }
  FirstActivation first(*this, loop.parts());
  loop.Run([&](const Chunk& chunk) {
    const int64_t from = chunk.begin * sizes.src;
    const int64_t to = chunk.begin * sizes.dst;
    const int64_t dst_floats = chunk.count * sizes.dst;
    const int64_t src_floats = chunk.count * sizes.src;
    const int64_t rows = dst_floats / options_.c_out;
    const ConstElements y = y_->typed_data() + to;
    const Elements diff_y =
        ThreadScratch(ScratchUse::kGradient, backward_operand_, dst_floats);
    to_y.Apply(rows, y, diff_dst.typed_data() + to, diff_y);
    first.Backward(chunk, rows, y, diff_y);
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
    if (!pending) return;
    const bool round = stored.type() == DataType::kBfloat16;
    reduced[chunk.part].Add(src_floats / options_.c_in, src.typed_data() + from,
                            diff_x, round ? stored.bf16() : nullptr);
  });
  first.AddTo(bias_.grad);
  constexpr int64_t kGrain = 1 << 14;
  ParallelFor(static_cast<int64_t>(weight_.grad.size()), kGrain,
              [&](const Part& range) {
                float* sum = weight_.grad.data();
                for (const std::vector<float>& part : diff_weights_) {
                  const float* from = part.data();
                  for (int64_t i = range.begin; i < range.end; ++i) {
                    sum[i] += from[i];
                  }
                }
              });
  if (!reduced.empty())
    CombineGradients(reduced, producer_->reduced_.emplace());
}

}  // namespace frostnas::nn

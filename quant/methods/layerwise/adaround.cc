#include "quant/methods/layerwise/adaround.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "quant/methods/layerwise/layer_forward.h"
#include "quant/methods/network/integer_layers.h"

namespace frostnas::quant {
namespace {

// zeta - gamma and gamma of the paper.
constexpr double kStretch = 1.2;
constexpr double kShift = -0.1;
constexpr double kFirstBeta = 20;
constexpr double kLastBeta = 2;
constexpr double kUndecided = 0.01;

double Sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

// One weight of which the rounding is learned.
struct Rounding {
  float floor = 0;  // of w / s
  float v = 0;
  float m1 = 0, m2 = 0;  // Adam's moments
};

// Adam's step for one value (Kingma and Ba 2015, algorithm 1).
class Adam {
 public:
  explicit Adam(double rate) : rate_(rate) {}
  void NextStep() {
    ++step_;
    scale_ = static_cast<float>(rate_ / (1 - std::pow(kBeta1, step_)));
    correction_ = static_cast<float>(1 / (1 - std::pow(kBeta2, step_)));
  }
  void Update(float gradient, Rounding& r) const {
    r.m1 += (1 - kBeta1) * (gradient - r.m1);
    r.m2 += (1 - kBeta2) * (gradient * gradient - r.m2);
    r.v -= scale_ * r.m1 / (std::sqrt(r.m2 * correction_) + kEpsilon);
  }

 private:
  static constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  double rate_;
  int step_ = 0;
  float scale_ = 0, correction_ = 0;
};

// How much each weight's rounding matters: s^2 E[x^2] of what it multiplies,
// with a norm's scale, half the second derivative of the error by h. The least
// is a hundredth of the mean, or anything where inputs or scales are zero.
std::vector<float> StrengthsOf(const RoundingTask& task,
                               const LayerSamples& samples) {
  const FilterLayout layout = FilterLayoutOf(task.layer);
  const bool depthwise = task.layer.kind == arch::LayerKind::kDepthwise;
  const size_t elements = samples.patches.size() / samples.positions;
  std::vector<double> squares(elements);
  for (size_t i = 0; i < samples.patches.size(); ++i) {
    const double x = samples.patches[i];
    squares[i % elements] += x * x / samples.positions;
  }
  std::vector<float> strengths(task.folded.weights.size());
  double mean = 0;
  for (int c = 0; c < layout.channels; ++c) {
    const double scale =
        double{task.scale[c]} *
        (task.folded.post_scale.empty() ? 1 : task.folded.post_scale[c]);
    for (int64_t i = 0; i < layout.elements; ++i) {
      const double strength =
          scale * scale * squares[depthwise ? i * layout.channels + c : i];
      strengths[layout.at(c, i)] = static_cast<float>(strength);
      mean += strength / static_cast<double>(strengths.size());
    }
  }
  const float least = static_cast<float>(mean > 0 ? mean / 100 : 1);
  for (float& strength : strengths) strength = std::max(strength, least);
  return strengths;
}

class RoundingLearner {
 public:
  RoundingLearner(const RoundingTask& task, const LayerSamples& samples,
                  const AdaRoundOptions& options)
      : options_(options),
        q_max_(static_cast<float>((1 << (task.bits - 1)) - 1)),
        forward_(task.layer, task.folded),
        adam_(options.learning_rate) {
    const FilterLayout layout = FilterLayoutOf(task.layer);
    const size_t count = task.folded.weights.size();
    scale_.resize(count);
    rounding_.resize(count);
    weights_.resize(count);
    gradient_.resize(count);
    strength_ = StrengthsOf(task, samples);
    for (float& s : strength_) s *= static_cast<float>(options.regularization);
    for (int c = 0; c < layout.channels; ++c) {
      for (int64_t i = 0; i < layout.elements; ++i) {
        Start(task.folded.weights[layout.at(c, i)], task.scale[c],
              layout.at(c, i));
      }
    }
  }

  void Step(int step, const LayerSamples& batch) {
    for (size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] = scale_[i] * Clip(rounding_[i].floor + H(rounding_[i].v));
    }
    forward_.Gradient(batch, weights_, absl::MakeSpan(gradient_));
    const bool regular = step >= options_.free_share * options_.steps;
    const float beta = static_cast<float>(RoundingBeta(step, options_.steps));
    adam_.NextStep();
    for (size_t i = 0; i < rounding_.size(); ++i) {
      Update(beta, regular, i);
    }
  }

  std::vector<int8_t> Rounded() const {
    std::vector<int8_t> weights;
    for (const Rounding& r : rounding_) {
      weights.push_back(
          static_cast<int8_t>(Clip(r.floor + (H(r.v) >= 0.5f ? 1.0f : 0.0f))));
    }
    return weights;
  }

  int64_t undecided() const {
    return std::count_if(
        rounding_.begin(), rounding_.end(), [this](const Rounding& r) {
          const float h = H(r.v);
          return h > kUndecided && h < 1 - kUndecided && !AlwaysClipped(r);
        });
  }

  // Mean squared error of integer weights over all samples.
  double Error(const LayerSamples& samples, absl::Span<const int8_t> weights) {
    for (size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] = scale_[i] * weights[i];
    }
    return forward_.Error(samples, weights_);
  }

 private:
  static float H(float v) {
    const float h = static_cast<float>(kStretch) / (1 + std::exp(-v)) +
                    static_cast<float>(kShift);
    return std::clamp(h, 0.0f, 1.0f);
  }
  float Clip(float q) const { return std::clamp(q, -q_max_, q_max_); }
  // Both ways of rounding give the same point.
  bool AlwaysClipped(const Rounding& r) const {
    return r.floor >= q_max_ || r.floor < -q_max_;
  }

  void Start(float weight, float scale, int64_t at) {
    const float q = weight / scale;
    scale_[at] = scale;
    rounding_[at].floor = std::floor(q);
    rounding_[at].v =
        static_cast<float>(InverseRectifiedSigmoid(q - rounding_[at].floor));
  }

  void Update(float beta, bool regular, size_t i) {
    Rounding& r = rounding_[i];
    const float sigmoid = 1 / (1 + std::exp(-r.v));
    const float h = H(r.v);
    if (AlwaysClipped(r)) return;
    // Saturated h keeps its side: the gradient through the clip is 0.
    if (h <= 0 || h >= 1) return;
    const float slope = static_cast<float>(kStretch) * sigmoid * (1 - sigmoid);
    float diff = gradient_[i] * scale_[i];
    if (regular) {
      const float side = 2 * h - 1;
      const float power = std::pow(std::abs(side), beta - 1);
      diff -= strength_[i] * beta * power * (side < 0 ? -2.0f : 2.0f);
    }
    adam_.Update(diff * slope, r);
  }

  const AdaRoundOptions options_;
  float q_max_;
  LayerForward forward_;
  Adam adam_;
  std::vector<float> scale_;  // by weight
  std::vector<Rounding> rounding_;
  std::vector<float> weights_;   // real
  std::vector<float> gradient_;  // by weights_
  std::vector<float> strength_;  // of the regulariser, by weight
};

// Random positions of `samples`, ASSIGNED to `batch`.
void DrawBatch(const LayerSamples& samples, int positions, Random& random,
               LayerSamples& batch) {
  const size_t patch = samples.patches.size() / samples.positions;
  const size_t output = samples.outputs.size() / samples.positions;
  batch.positions = positions;
  batch.patches.resize(positions * patch);
  batch.outputs.resize(positions * output);
  for (int n = 0; n < positions; ++n) {
    const size_t from = random.UniformInt(samples.positions);
    std::copy_n(&samples.patches[from * patch], patch,
                &batch.patches[n * patch]);
    std::copy_n(&samples.outputs[from * output], output,
                &batch.outputs[n * output]);
  }
}

}  // namespace

double RectifiedSigmoid(double v) {
  return std::clamp(kStretch * Sigmoid(v) + kShift, 0.0, 1.0);
}

double InverseRectifiedSigmoid(double fraction) {
  return -std::log(kStretch / (fraction - kShift) - 1);
}

double RoundingBeta(int step, int steps) {
  const double first = AdaRoundOptions().free_share * steps;
  const double done = (step - first) / std::max(1.0, steps - first);
  return kFirstBeta + (kLastBeta - kFirstBeta) * std::clamp(done, 0.0, 1.0);
}

absl::StatusOr<LearnedRounding> LearnRounding(const RoundingTask& task,
                                              const LayerSamples& samples,
                                              const AdaRoundOptions& options,
                                              Random random,
                                              const StopToken& stop) {
  CHECK(samples.positions > 0);
  RoundingLearner learner(task, samples, options);
  const QuantizedWeights nearest =
      RoundWeights(task.layer, task.folded, task.scale, task.bits);
  LearnedRounding result;
  result.nearest_error = learner.Error(samples, nearest.weights);
  LayerSamples batch;
  const int positions = std::min(options.positions, samples.positions);
  for (int step = 0; step < options.steps; ++step) {
    RETURN_IF_ERROR(stop.Check());
    DrawBatch(samples, positions, random, batch);
    learner.Step(step, batch);
  }
  result.undecided = learner.undecided();
  result.weights = learner.Rounded();
  result.error = learner.Error(samples, result.weights);
  if (!(result.error < result.nearest_error)) {
    result.weights = nearest.weights;
    result.error = result.nearest_error;
  }
  for (size_t i = 0; i < result.weights.size(); ++i) {
    result.changed += result.weights[i] != nearest.weights[i];
  }
  return result;
}

}  // namespace frostnas::quant

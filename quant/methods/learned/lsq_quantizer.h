// Learned step size quantization (Esser et al., arXiv 1902.08153).
//
//   v = clip(x / s, -Qn, Qp),  quantized x = round(v) s
//
// with gradients as of rounding_gradient.h, those by steps times
// 1 / sqrt(N Qp): N is a step's number of weights, or a tensor's number of
// values for one image. Steps start at 2 mean|x| / sqrt(Qp), or where nothing
// is clipped if that is less: with 8 bits the former reaches far past the
// largest value and would leave most levels unused.
//
// Weights: Qn = Qp = 2^(bits - 1) - 1. Activations: Qn = 0, Qp = 2^bits - 1,
// or Qn = 2^(bits - 1), Qp = Qn - 1 where there are negative values.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_LSQ_QUANTIZER_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_LSQ_QUANTIZER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "quant/methods/learned/learned_quantizer.h"
#include "quant/methods/learned/symmetric_weights.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"

namespace frostnas::quant {

// 1 / sqrt(count * q_max).
double LsqGradientScale(int64_t count, double q_max);

// Magnitudes of the values a step is for.
struct Magnitudes {
  double mean = 0;
  double largest = 0;
};
// Where the step starts. A normal number, also for values that are all zero.
float LsqFirstStep(const Magnitudes& values, double q_max);

class LsqWeights final : public SymmetricWeights {
 public:
  // One step a channel, or one for all, from `weights` of that layout.
  LsqWeights(const std::string& layer, const std::vector<float>& weights,
             const FilterLayout& layout, WeightGranularity granularity,
             int bits);

  nn::Parameter& parameter() override { return step_; }
  void Project() override;
  std::vector<float> scales() const override;

 private:
  void AddGradient(const std::vector<double>& diff_scale) override;

  const int channels_;
  const double gradient_scale_;
  nn::Parameter step_;
  std::vector<float> least_;  // values of step_
};

class LsqGrid final : public LearnedGrid {
 public:
  LsqGrid(const std::string& name, const Magnitudes& values, bool is_signed,
          int bits);

  nn::Parameter* parameter() override { return &step_; }
  void Project() override;
  bool learning() const override { return true; }
  nn::AffineGrid grid() const override;
  void Backward(const nn::Tensor& raw, nn::Tensor& diff) override;

 private:
  const Steps steps_;
  nn::Parameter step_;
  float least_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_LSQ_QUANTIZER_H_

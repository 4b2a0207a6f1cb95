// Trained thresholds (Goncharenko et al., arXiv 1812.07872): weights stay, and
// what is trained are factors of the thresholds that min-max calibration gives.
//
//   symmetric    T = a T_max, a in [0.5, 1]; scale T / q_max
//   asymmetric   [L, R] -> L + b W + [0, a W] with W = R - L, a in [0.5, 1],
//                b in [-0.2, 0.4], or [0, 0.4] where there is nothing negative;
//                extended to zero, and the zero point rounded
//
// a starts at 1 and b at 0: min-max calibration, bit for bit. Rounding has the
// derivative 1, its remainder is a constant, and clipping comes after it; so
// for scale s = width / n and a zero point z = -low / s + r the quantized x is
//
//   x + s (round(x / s) - x / s) inside,  low - s r below,  high - s r above
//
// whose derivatives Backward takes.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_THRESHOLDS_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_THRESHOLDS_H_

#include <string>
#include <vector>

#include "quant/methods/learned/learned_quantizer.h"
#include "quant/methods/learned/symmetric_weights.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/observer.h"

namespace frostnas::quant {

inline constexpr float kLeastThreshold = 0.5f;  // a
inline constexpr float kMostThreshold = 1.0f;
inline constexpr float kLeastShift = -0.2f;  // b
inline constexpr float kMostShift = 0.4f;

class WeightThresholds final : public SymmetricWeights {
 public:
  // `scales`: min-max, one an output channel, all the same per tensor. One
  // factor a channel, or one for all.
  WeightThresholds(const std::string& layer, const std::vector<float>& scales,
                   WeightGranularity granularity, int bits);

  nn::Parameter& parameter() override { return factor_; }
  void Project() override;
  std::vector<float> scales() const override;

 private:
  void AddGradient(const std::vector<double>& diff_scale) override;

  const std::vector<float> full_;  // scales at factor 1
  nn::Parameter factor_;
};

// Values [-T, T] at q_max = 2^(bits - 1) - 1, or [0, T] at 2^bits - 1 where
// range.min is 0.
class SymmetricThreshold final : public LearnedGrid {
 public:
  // range.min <= 0 <= range.max, both finite.
  SymmetricThreshold(const std::string& name, const Range& range, int bits);

  nn::Parameter* parameter() override { return &factor_; }
  void Project() override;
  bool learning() const override { return true; }
  nn::AffineGrid grid() const override;
  void Backward(const nn::Tensor& raw, nn::Tensor& diff) override;

 private:
  const Steps steps_;
  const float threshold_;
  nn::Parameter factor_;
};

class AsymmetricThreshold final : public LearnedGrid {
 public:
  // As above.
  AsymmetricThreshold(const std::string& name, const Range& range, int bits);

  // a, b.
  nn::Parameter* parameter() override { return &factors_; }
  void Project() override;
  bool learning() const override { return true; }
  nn::AffineGrid grid() const override;
  void Backward(const nn::Tensor& raw, nn::Tensor& diff) override;

 private:
  float width() const { return range_.max - range_.min; }
  // As the factors say, not extended to zero.
  Range Adjusted() const;

  const Range range_;
  const int bits_;
  nn::Parameter factors_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_THRESHOLDS_H_

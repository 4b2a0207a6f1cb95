// Start here for trained quantizers: what LSQ's steps and trained thresholds
// have in common.
//
// A quantizer has one parameter vector, which an optimizer moves together with
// others, and Project brings back into its bounds after each step. Projecting,
// rather than clipping where the value is used, keeps a value at its bound
// trainable: clipped, it would have no gradient and never return.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_QUANTIZER_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_QUANTIZER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "nn/parameter.h"
#include "nn/quant_hooks.h"

namespace frostnas::quant {

// `count` values of `value`, with gradients of zero.
inline nn::Parameter QuantizerParameter(const std::string& name, size_t count,
                                        float value) {
  nn::Parameter parameter;
  parameter.name = name;
  parameter.role = nn::ParameterRole::kQuantizer;
  parameter.shape = {static_cast<int>(count)};
  parameter.value.assign(count, value);
  parameter.ZeroGrad();
  return parameter;
}

class LearnedWeights : public nn::WeightQuantizer {
 public:
  virtual nn::Parameter& parameter() = 0;
  virtual void Project() = 0;
  // Real size of an integer step, one an output channel; finite, > 0.
  virtual std::vector<float> scales() const = 0;
};

// One a group of tensors that share a grid.
class LearnedGrid : public nn::ActivationQuantizer {
 public:
  // Null: nothing is learned.
  virtual nn::Parameter* parameter() { return nullptr; }
  virtual void Project() {}

  void Observe(float /*min*/, float /*max*/) final {}
  bool observing() const final { return false; }
  bool quantizing() const override { return true; }
};

// Stays as it is.
class FixedGrid final : public LearnedGrid {
 public:
  explicit FixedGrid(const nn::AffineGrid& grid) : grid_(grid) {}
  nn::AffineGrid grid() const override { return grid_; }

 private:
  nn::AffineGrid grid_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_QUANTIZER_H_

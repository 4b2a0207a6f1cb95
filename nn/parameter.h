// A trained tensor with its gradient. Optimizers keep their state by
// Parameter, so it survives a change of the network around it (StatAssist).
//
// Weight layouts (outermost first): dense convolution and linear O,H,W,I;
// depthwise H,W,C; bias, gamma, beta C.
#ifndef FROSTNAS_NN_PARAMETER_H_
#define FROSTNAS_NN_PARAMETER_H_

#include <string>
#include <vector>

namespace frostnas::nn {

// Decides weight decay (methods.md 1.5: depthwise 0, norm and bias wd * 0.01).
// kQuantizer, a learned step or threshold, gets none.
enum class ParameterRole {
  kWeight,
  kDepthwiseWeight,
  kBias,
  kNorm,
  kQuantizer
};

struct Parameter {
  std::string name;  // "s3b1.expand.weight"
  ParameterRole role = ParameterRole::kWeight;
  std::vector<int> shape;
  std::vector<float> value;
  std::vector<float> grad;  // same size; backward ADDS, ZeroGrad clears

  void ZeroGrad() { grad.assign(value.size(), 0.0f); }
};

// Not trained, but part of a network's state: batch-norm mean and variance.
struct StateBuffer {
  std::string name;  // "s3b1.expand.mean"
  std::vector<float> value;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_PARAMETER_H_

// Weights of a layer: initial values and their fake quantization.
#ifndef FROSTNAS_NN_MODULES_WEIGHTS_H_
#define FROSTNAS_NN_MODULES_WEIGHTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/random.h"
#include "nn/parameter.h"
#include "nn/quant_hooks.h"

namespace frostnas::nn {

// A parameter of zeros, named LAYER.SUFFIX.
Parameter MakeParameter(absl::string_view layer, absl::string_view suffix,
                        ParameterRole role, std::vector<int> shape);

// Normal with variance 2 / fan_out (He et al. 2015, equation 14).
void InitKaimingNormal(int fan_out, Random random, Parameter& parameter);
// Uniform within 1 / sqrt(fan_in).
void InitUniformFanIn(int fan_in, Random random, Parameter& parameter);

ChannelLayout DenseLayout(int channels, int count);
ChannelLayout DepthwiseLayout(int channels, int count);

// Symmetric per output channel: scale_c = max|w_c| / (2^(bits - 1) - 1),
// rounded half to even. A channel of zeros stays so. 2 <= bits <= 16. ASSIGNED.
// Nothing is ever clipped, so the straight-through gradient is the identity.
void FakeQuantizeWeights(const ChannelLayout& layout, int bits,
                         const std::vector<float>& weights,
                         std::vector<float>& quantized);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_WEIGHTS_H_

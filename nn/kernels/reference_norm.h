// Batch norm, activations and fake quantization in the plainest form: what the
// fused passes (nn/fused) compute together. Sums are kept in double precision.
//
// Data is (rows, channels), per-channel vectors have `channels` elements.
// Single-threaded; no state.
#ifndef FROSTNAS_NN_KERNELS_REFERENCE_NORM_H_
#define FROSTNAS_NN_KERNELS_REFERENCE_NORM_H_

#include <cstdint>
#include <vector>

#include "nn/quant_hooks.h"

namespace frostnas::nn::reference {

using Values = std::vector<float>;

// Mean and variance (divided by the number of rows) of each channel.
struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;
};
Moments BatchMoments(const Values& src, int channels);

struct BatchNorm {
  Values gamma;
  Values beta;
  double epsilon = 1e-5;
};

// gamma * (src - mean) / sqrt(variance + epsilon) + beta. Batch moments make it
// training's batch norm, running ones inference's.
Values BatchNormForward(const BatchNorm& norm, const Moments& moments,
                        const Values& src);

// Of training's batch norm, where the moments depend on src.
struct BatchNormGradients {
  Values diff_src;
  Values diff_gamma;
  Values diff_beta;
};
BatchNormGradients BatchNormBackward(const BatchNorm& norm, const Values& src,
                                     const Values& diff_dst);

// min(max(src, low), high): ReLU is (0, infinity), ReLU6 (0, 6). The gradient
// passes where low < src < high.
Values ClampForward(const Values& src, float low, float high);
Values ClampBackward(const Values& src, float low, float high,
                     const Values& diff_dst);

// Nearest value of the grid, halves to even. Straight-through gradient: passes
// within half a step of the grid's ends.
Values FakeQuantizeForward(const Values& src, const AffineGrid& grid);
Values FakeQuantizeBackward(const Values& src, const AffineGrid& grid,
                            const Values& diff_dst);

// Weights (channels, count), symmetric with one scale a channel.
Values FakeQuantizeWeights(const Values& weights, int channels, int bits);

}  // namespace frostnas::nn::reference

#endif  // FROSTNAS_NN_KERNELS_REFERENCE_NORM_H_

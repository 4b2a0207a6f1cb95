// What a layer's filters see: at each position of the output, a patch of the
// input, in the order of a filter's elements: kernel row, kernel column, input
// channel. Beyond the input's edges there are zeros.
//
// A linear layer's patch is its input. A depthwise convolution's holds all
// channels; filter c reads every channels-th value from c on.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_NETWORK_PATCHES_H_
#define FROSTNAS_QUANT_METHODS_NETWORK_PATCHES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "arch/graph.h"
#include "nn/tensor.h"
#include "quant/layer_params.h"

namespace frostnas::quant {

// kernel * kernel * in_channels.
int64_t PatchElements(const ConvGeometry& geometry);

// Position (row, column) of an image's output.
struct PatchPosition {
  int image = 0;
  int row = 0;
  int column = 0;
};

// Patch of `src` (n, size, size, channels), ASSIGNED.
void CopyPatch(const ConvGeometry& geometry, const nn::Tensor& src,
               const PatchPosition& position, absl::Span<float> patch);

// The mean patch over images and positions.
class PatchMean {
 public:
  explicit PatchMean(const arch::Layer& layer);

  void Add(const nn::Tensor& src);
  // By element of a patch. Needs one image at least.
  std::vector<double> mean() const;

 private:
  ConvGeometry geometry_;
  std::vector<double> sums_;
  int64_t positions_ = 0;
};

// Mean of each output channel of the convolution with `weights`, without bias,
// over inputs of this mean patch: convolutions are linear, so it is the
// convolution of the mean.
std::vector<double> MeanOutput(const arch::Layer& layer,
                               absl::Span<const float> weights,
                               absl::Span<const double> mean_patch);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_NETWORK_PATCHES_H_

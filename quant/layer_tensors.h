// The tensors of a float network by layer, checked, and the affine that a
// layer's batch norm is.
//
// INVALID_ARGUMENT: a tensor is missing, of another size or not finite; names
// it. Thread-compatible.
#ifndef FROSTNAS_QUANT_LAYER_TENSORS_H_
#define FROSTNAS_QUANT_LAYER_TENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::quant {

class LayerTensors {
 public:
  static absl::StatusOr<LayerTensors> Create(const v1::FloatNetwork& network);

  // The tensor LAYER.SUFFIX with exactly `count` finite values.
  absl::StatusOr<absl::Span<const float>> Get(absl::string_view layer,
                                              absl::string_view suffix,
                                              int64_t count) const;

 private:
  std::map<std::string, std::vector<float>> values_;
};

// y = factor * x + bias, by output channel.
struct ChannelAffines {
  std::vector<double> factor;
  std::vector<double> bias;
};

struct NormOptions {
  float epsilon = 1e-5f;
  // A channel whose running variance is below this counts as having the mean
  // variance of the layer's other channels: one that was always zero in
  // training has a factor near gamma / sqrt(epsilon), which blows its weights
  // up and with them the range of the whole tensor (Sheng et al., arXiv
  // 1803.08607, section 3.1). 0: no channel is.
  double min_variance = 0;
};

// The batch norm of `layer`: factor gamma / sqrt(var + epsilon), bias
// beta - mean * factor. INVALID_ARGUMENT also: a variance is negative.
absl::StatusOr<ChannelAffines> NormOf(const arch::Layer& layer,
                                      const LayerTensors& tensors,
                                      const NormOptions& options);

// The bias of a layer without batch norm; factor 1.
absl::StatusOr<ChannelAffines> BiasOf(const arch::Layer& layer,
                                      const LayerTensors& tensors);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_LAYER_TENSORS_H_

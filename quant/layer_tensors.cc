#include "quant/layer_tensors.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::quant {
namespace {

// The variances that count, see NormOptions.
std::vector<double> Variances(absl::Span<const float> var,
                              double min_variance) {
  double sum = 0;
  int count = 0;
  for (float value : var) {
    if (value < min_variance) continue;
    sum += value;
    ++count;
  }
  std::vector<double> variances(var.begin(), var.end());
  if (count == 0) return variances;
  for (double& value : variances) {
    if (value < min_variance) value = sum / count;
  }
  return variances;
}

}  // namespace

absl::StatusOr<LayerTensors> LayerTensors::Create(
    const v1::FloatNetwork& network) {
  LayerTensors tensors;
  for (const v1::NamedTensor& tensor : network.tensors()) {
    if (tensor.data().size() % sizeof(float) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", tensor.name(), "\" is no float32"));
    }
    std::vector<float>& values = tensors.values_[tensor.name()];
    values.resize(tensor.data().size() / sizeof(float));
    std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
  }
  return tensors;
}

absl::StatusOr<absl::Span<const float>> LayerTensors::Get(
    absl::string_view layer, absl::string_view suffix, int64_t count) const {
  const std::string name = absl::StrCat(layer, ".", suffix);
  const auto found = values_.find(name);
  if (found == values_.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", name, "\" is missing"));
  }
  const std::vector<float>& values = found->second;
  if (static_cast<int64_t>(values.size()) != count) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", name, "\" has ", values.size(),
                     " values; the layer needs ", count));
  }
  for (float value : values) {
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", name,
                       "\" has a value that is not "
                       "finite; train with a lower learning rate"));
    }
  }
  return absl::MakeConstSpan(values);
}

absl::StatusOr<ChannelAffines> NormOf(const arch::Layer& layer,
                                      const LayerTensors& tensors,
                                      const NormOptions& options) {
  const int channels = layer.out.channels;
  ASSIGN_OR_RETURN(const auto gamma,
                   tensors.Get(layer.name, "gamma", channels));
  ASSIGN_OR_RETURN(const auto beta, tensors.Get(layer.name, "beta", channels));
  ASSIGN_OR_RETURN(const auto mean, tensors.Get(layer.name, "mean", channels));
  ASSIGN_OR_RETURN(const auto var, tensors.Get(layer.name, "var", channels));
  const std::vector<double> variances = Variances(var, options.min_variance);
  ChannelAffines affines;
  for (int c = 0; c < channels; ++c) {
    const double variance = variances[c] + options.epsilon;
    if (!(variance > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", layer.name, ".var\" has a negative value"));
    }
    affines.factor.push_back(gamma[c] / std::sqrt(variance));
    affines.bias.push_back(beta[c] - mean[c] * affines.factor.back());
  }
  return affines;
}

absl::StatusOr<ChannelAffines> BiasOf(const arch::Layer& layer,
                                      const LayerTensors& tensors) {
  ASSIGN_OR_RETURN(const auto bias,
                   tensors.Get(layer.name, "bias", layer.out.channels));
  return ChannelAffines{std::vector<double>(bias.size(), 1.0),
                        std::vector<double>(bias.begin(), bias.end())};
}

}  // namespace frostnas::quant

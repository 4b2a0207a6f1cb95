#include "nn/optim/optimizer_options.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "nn/optim/optimizer.h"
#include "nn/parameter.h"

namespace frostnas::nn {
namespace {

struct Range {
  double low;
  double high;
  bool high_allowed;
};
constexpr Range kShare = {0, 1, false};
constexpr Range kNotNegative = {0, 1e30, true};

// Also refuses NaN.
absl::Status CheckRange(absl::string_view name, double value, Range range) {
  const bool below =
      range.high_allowed ? value <= range.high : value < range.high;
  if (value >= range.low && below) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "optimizer option ", name, " is ", value, ", not in [", range.low, ", ",
      range.high, range.high_allowed ? "]" : ")"));
}

}  // namespace

absl::Status CheckOptions(const OptimizerOptions& options) {
  RETURN_IF_ERROR(CheckRange("momentum", options.momentum, kShare));
  RETURN_IF_ERROR(CheckRange("dampening", options.dampening, {0, 1, true}));
  RETURN_IF_ERROR(CheckRange("rms_alpha", options.rms_alpha, kShare));
  RETURN_IF_ERROR(CheckRange("beta1", options.beta1, kShare));
  RETURN_IF_ERROR(CheckRange("beta2", options.beta2, kShare));
  RETURN_IF_ERROR(CheckRange("muon_momentum", options.muon_momentum, kShare));
  RETURN_IF_ERROR(CheckRange("epsilon", options.epsilon, kNotNegative));
  RETURN_IF_ERROR(
      CheckRange("weight_decay", options.weight_decay, kNotNegative));
  RETURN_IF_ERROR(CheckRange("depthwise_weight_decay",
                             options.depthwise_weight_decay, kNotNegative));
  const GradBoostOptions& boost = options.grad_boost;
  RETURN_IF_ERROR(CheckRange("clip_by", boost.clip_by, kNotNegative));
  RETURN_IF_ERROR(CheckRange("noise_decay", boost.noise_decay, {0, 1, true}));
  if (options.kind == OptimizerKind::kSgd && options.nesterov &&
      options.dampening != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer option dampening is ", options.dampening,
                     "; with nesterov it must be 0"));
  }
  return absl::OkStatus();
}

std::string OptionsText(const OptimizerOptions& options) {
  const GradBoostOptions& boost = options.grad_boost;
  return absl::StrFormat(
      "kind %d momentum %.17g dampening %.17g nesterov %d rms_alpha %.17g "
      "beta1 %.17g beta2 %.17g muon_momentum %.17g amsgrad %d epsilon %.17g "
      "weight_decay %.17g depthwise_weight_decay %.17g "
      "boost %d clip_by %.17g noise_decay %.17g toss_coin %d seed %u",
      static_cast<int>(options.kind), options.momentum, options.dampening,
      options.nesterov, options.rms_alpha, options.beta1, options.beta2,
      options.muon_momentum, options.amsgrad, options.epsilon,
      options.weight_decay, options.depthwise_weight_decay,
      static_cast<int>(boost.mode), boost.clip_by, boost.noise_decay,
      boost.toss_coin, options.seed);
}

double DecayOf(const OptimizerOptions& options, ParameterRole role) {
  switch (role) {
    case ParameterRole::kWeight:
      return options.weight_decay;
    case ParameterRole::kDepthwiseWeight:
      return options.depthwise_weight_decay;
    case ParameterRole::kQuantizer:
      return 0;
    case ParameterRole::kBias:
    case ParameterRole::kNorm:
      return 0.01 * options.weight_decay;
  }
  return options.weight_decay;
}

}  // namespace frostnas::nn

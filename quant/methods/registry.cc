#include "quant/methods/registry.h"

#include "quant/methods/adaround.h"
#include "quant/methods/bias_correction.h"
#include "quant/methods/equalize.h"
#include "quant/methods/range_stages.h"

namespace frostnas::quant {
namespace {

// A new stage is a row here and a dependency in BUILD.bazel.
constexpr Stage kStages[] = {
    {"minmax", StageKind::kRanges,
     "ranges from the smallest to the largest value", RunMinMax},
    {"percentile", StageKind::kRanges,
     "ranges that leave out the outermost values", RunPercentile},
    {"mse", StageKind::kRanges, "ranges of the least squared error", RunMse},
    {"kl", StageKind::kRanges,
     "ranges of the least divergence of distributions", RunKl},
    {"relu", StageKind::kTransform,
     "ReLU in place of ReLU6, so that cle may "
     "scale every channel",
     RunReplaceRelu6},
    {"cle", StageKind::kTransform,
     "cross-layer equalisation, then absorption of high biases",
     RunEqualization},
    {"bias_correction", StageKind::kCorrection,
     "biases that keep the means of channels", RunBiasCorrection},
    {"adaround", StageKind::kRounding,
     "weights rounded so that layer outputs come out best", RunAdaRound},
};

constexpr absl::string_view kCompared[] = {"minmax",
                                           "percentile",
                                           "mse",
                                           "kl",
                                           "cle",
                                           "relu+cle",
                                           "bias_correction",
                                           "adaround",
                                           "cle+mse+bias_correction",
                                           "cle+mse+adaround"};

}  // namespace

absl::Span<const Stage> AllStages() { return kStages; }

absl::Span<const absl::string_view> ComparedMethods() { return kCompared; }

}  // namespace frostnas::quant

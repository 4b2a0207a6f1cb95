#include "quant/methods/registry.h"

#include "quant/methods/fixed_point/fixed_point_stages.h"
#include "quant/methods/layerwise/adaround.h"
#include "quant/methods/layerwise/bias_correction.h"
#include "quant/methods/layerwise/equalize.h"
#include "quant/methods/learned/fat.h"
#include "quant/methods/learned/lsq.h"
#include "quant/methods/learned/rescale.h"
#include "quant/methods/ranges/range_stages.h"

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
     "ReLU in place of ReLU6, so that cle may scale every channel",
     RunReplaceRelu6},
    {"cle", StageKind::kTransform,
     "cross-layer equalisation, then absorption of high biases",
     RunEqualization},
    {"rescale", StageKind::kTransform,
     "depthwise filters scaled alike, with the convolution after them",
     RunRescale},
    {"adaround", StageKind::kRounding,
     "weights rounded so that layer outputs come out best", RunAdaRound},
    {"bias_correction", StageKind::kCorrection,
     "biases that keep the means of channels", RunBiasCorrection},
    {"lsq", StageKind::kWhole,
     "steps and weights trained with labels (learned step size)", RunLsq},
    {"fat", StageKind::kWhole,
     "thresholds trained towards the float network's logits, no labels",
     RunFat},
    {"fat_symmetric", StageKind::kWhole, "the same with symmetric thresholds",
     RunFatSymmetric},
    {"fixed_point", StageKind::kWhole,
     "bits and power-of-two scales by the published search", RunFixedPoint},
    {"fixed_point_independent", StageKind::kWhole,
     "the same without dependence on what is already quantized",
     RunFixedPointIndependent},
    {"fixed_point_plus", StageKind::kWhole,
     "bits and power-of-two scales by our allocation", RunFixedPointPlus},
};

constexpr absl::string_view kCompared[] = {"minmax",
                                           "percentile",
                                           "mse",
                                           "kl",
                                           "cle",
                                           "bias_correction",
                                           "adaround",
                                           "cle+mse+bias_correction",
                                           "cle+mse+adaround",
                                           "rescale",
                                           "fat",
                                           "fat_symmetric",
                                           "lsq",
                                           "fixed_point",
                                           "fixed_point_independent",
                                           "fixed_point_plus"};

}  // namespace

absl::Span<const Stage> AllStages() { return kStages; }

absl::Span<const absl::string_view> ComparedMethods() { return kCompared; }

}  // namespace frostnas::quant

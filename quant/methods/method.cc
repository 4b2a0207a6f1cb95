#include "quant/methods/method.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace frostnas::quant {
namespace {

std::string NamesOf(absl::Span<const Stage> stages) {
  return absl::StrJoin(stages, ", ", [](std::string* to, const Stage& stage) {
    absl::StrAppend(to, stage.name);
  });
}

bool Has(const Method& method, StageKind kind) {
  return std::any_of(method.stages.begin(), method.stages.end(),
                     [&](const Stage& stage) { return stage.kind == kind; });
}

absl::StatusOr<Stage> FindStage(absl::string_view name,
                                absl::Span<const Stage> known) {
  const auto found =
      std::find_if(known.begin(), known.end(),
                   [&](const Stage& stage) { return stage.name == name; });
  if (found != known.end()) return *found;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is no method; there are ", NamesOf(known),
                   ", and stages joined as in cle+mse+bias_correction"));
}

// Kinds come in their order, and only transforms may come twice, or before a
// stage that does the rest itself.
absl::Status CheckOrder(const Method& method) {
  for (size_t i = 1; i < method.stages.size(); ++i) {
    const Stage& before = method.stages[i - 1];
    const Stage& stage = method.stages[i];
    const bool fits =
        before.kind == StageKind::kTransform ||
        (before.kind < stage.kind && stage.kind != StageKind::kWhole);
    if (fits && before.name != stage.name) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "method \"", method.name, "\": ", stage.name, " cannot follow ",
        before.name,
        "; the order is transform, ranges, rounding, correction, and a "
        "searching or training method does all but transforms itself"));
  }
  return absl::OkStatus();
}

// After the transforms.
void InsertDefaultRanges(absl::Span<const Stage> known, Method& method) {
  if (Has(method, StageKind::kRanges) || Has(method, StageKind::kWhole)) {
    return;
  }
  const auto ranges = std::find_if(
      known.begin(), known.end(),
      [](const Stage& stage) { return stage.kind == StageKind::kRanges; });
  if (ranges == known.end()) return;
  const auto at = std::find_if(
      method.stages.begin(), method.stages.end(),
      [](const Stage& stage) { return stage.kind > StageKind::kRanges; });
  method.stages.insert(at, *ranges);
}

absl::Status CheckImages(const FoldedNetwork& network,
                         const nn::ImageSet& images, absl::string_view what) {
  const arch::FeatureShape& input = network.graph.input;
  if (images.count() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are no ", what, " images"));
  }
  if (images.size == input.size && images.channels == input.channels) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the ", what, " images have ", images.size, " px and ", images.channels,
      " channels; the network takes ", input.size, " px and ", input.channels));
}

// The same for one of several stages: progress is a part of the whole.
MethodInputs ForStage(const MethodInputs& inputs, const Method& method,
                      size_t index) {
  MethodInputs of_stage = inputs;
  if (!inputs.progress) return of_stage;
  const double share = 1.0 / static_cast<double>(method.stages.size());
  const std::string name(method.stages[index].name);
  of_stage.progress = [report = inputs.progress, share, name, index](
                          double done, const std::string& what) {
    report(share * (static_cast<double>(index) + done),
           absl::StrCat(name, ": ", what));
  };
  return of_stage;
}

}  // namespace

absl::StatusOr<Method> ParseMethod(absl::string_view name,
                                   absl::Span<const Stage> known) {
  Method method;
  method.name = std::string(name);
  for (absl::string_view part : absl::StrSplit(name, '+')) {
    ASSIGN_OR_RETURN(const Stage stage, FindStage(part, known));
    method.stages.push_back(stage);
  }
  RETURN_IF_ERROR(CheckOrder(method));
  InsertDefaultRanges(known, method);
  return method;
}

absl::Status CheckOptions(const MethodOptions& options) {
  for (const auto& [name, bits] :
       {std::pair("weight_bits", options.weight_bits),
        std::pair("activation_bits", options.activation_bits)}) {
    if (bits >= 2 && bits <= 8) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is ", bits, "; it must be 2..8"));
  }
  if (!(options.max_accuracy_loss >= 0 && options.max_accuracy_loss <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("max_accuracy_loss is ",
                                                   options.max_accuracy_loss,
                                                   "; it is a share, 0..1"));
  }
  if (options.epochs < 0 || !(options.learning_rate >= 0)) {
    return absl::InvalidArgumentError(
        "epochs and learning_rate must not be negative");
  }
  return absl::OkStatus();
}

absl::StatusOr<MethodResult> RunMethod(const Method& method,
                                       const MethodInputs& inputs) {
  RETURN_IF_ERROR(CheckOptions(inputs.options));
  RETURN_IF_ERROR(
      CheckImages(inputs.network, inputs.calibration, "calibration"));
  RETURN_IF_ERROR(CheckImages(inputs.network, inputs.search, "search"));
  RETURN_IF_ERROR(CheckImages(inputs.network, inputs.train, "training"));
  MethodResult result;
  result.network = inputs.network;
  result.bits.resize(inputs.network.layers.size());
  for (size_t i = 0; i < method.stages.size(); ++i) {
    RETURN_IF_ERROR(inputs.stop.Check());
    const absl::Status status =
        method.stages[i].run(ForStage(inputs, method, i), result);
    if (status.ok()) continue;
    return absl::Status(status.code(), absl::StrCat(method.stages[i].name, ": ",
                                                    status.message()));
  }
  return result;
}

}  // namespace frostnas::quant

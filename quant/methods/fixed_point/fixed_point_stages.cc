#include "quant/methods/fixed_point/fixed_point_stages.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/cost.h"
#include "quant/methods/fixed_point/allocation.h"
#include "quant/methods/fixed_point/fixed_point.h"
#include "quant/methods/fixed_point/fixed_point_evaluator.h"
#include "quant/methods/fixed_point/fixed_point_search.h"
#include "quant/methods/ranges/calibrator.h"

namespace frostnas::quant {
namespace {

// What a search works with.
struct Search {
  const FixedPointContext& context;
  PlanEvaluator& evaluator;
  double max_loss = 0;
  WeightGranularity granularity = WeightGranularity::kPerChannel;
  OnSearchProgress progress;
};
using SearchFunction =
    std::function<absl::StatusOr<SearchResult>(const Search&)>;

void Describe(const SearchResult& found, double max_loss,
              const PlanEvaluator& evaluator, MethodResult& result) {
  const arch::Graph& graph = result.network.graph;
  const Saving saving =
      SavingOf(CostOf(graph, result.bits), EightBitCost(graph));
  result.notes.push_back(absl::StrFormat(
      "search images: float top-1 %.4f, found %.4f, a relative loss of %.2f %% "
      "+- %.2f; %.2f %% expected; %.2f %% allowed; %d networks measured",
      evaluator.float_top1(), found.score.top1, 100 * found.score.loss,
      100 * found.score.loss_error, 100 * found.score.expected_loss,
      100 * max_loss, found.evaluations));
  result.notes.push_back(absl::StrFormat(
      "against 8 bits everywhere: %.2f %% of the memory and %.2f %% of the "
      "multiplication cost saved",
      100 * saving.memory, 100 * saving.multiplications));
  result.notes.push_back(
      "weights and activations have at most 8 bits; packages store them in "
      "bytes");
}

// A search that finds nothing within the bound still gives its best; that is
// no result for who set the bound.
absl::Status CheckLoss(const SearchResult& found, double max_accuracy_loss) {
  if (found.score.believed_loss() <= max_accuracy_loss) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrFormat(
      "nothing within max_accuracy_loss %.3g: the best found loses %.3g. Allow "
      "more, equalise first with rescale or cle, or take fixed_point_plus, "
      "which has a scale a channel",
      max_accuracy_loss, found.score.believed_loss()));
}

absl::Status RunSearch(const MethodInputs& inputs, ActivationForm form,
                       const SearchFunction& search, MethodResult& result) {
  const FoldedNetwork& network = result.network;
  const CalibrationImages images = {inputs.calibration, network.dataset};
  inputs.Report(0, "ranges");
  ASSIGN_OR_RETURN(const TensorExtremes extremes,
                   ObserveExtremes(network, images, inputs.stop));
  ASSIGN_OR_RETURN(const std::vector<Histogram> histograms,
                   ObserveHistograms(network, extremes, images, inputs.stop));
  const std::vector<Range> ranges = GroupRanges(network.graph, extremes);
  const Range input =
      ranges[GridGroups(network.graph).group(arch::kGraphInput)];
  FixedPointContext context = {.network = network,
                               .form = form,
                               .ranges = ranges,
                               .input = ChooseGrid(input.min, input.max, 8)};
  if (form == ActivationForm::kOffset) {
    inputs.Report(0, "histograms and statistics of inputs");
    ASSIGN_OR_RETURN(context.values,
                     ObserveHistograms(network, extremes, images, inputs.stop));
    ASSIGN_OR_RETURN(context.inputs,
                     ObserveInputs(network, images, inputs.stop));
  }
  ASSIGN_OR_RETURN(const auto evaluator,
                   PlanEvaluator::Create(network, inputs.search, inputs.stop));
  const double max_loss = (1 - kReserve) * inputs.options.max_accuracy_loss;
  ASSIGN_OR_RETURN(const SearchResult found,
                   search({.context = context,
                           .evaluator = *evaluator,
                           .max_loss = max_loss,
                           .granularity = inputs.options.weights,
                           .progress = [&](const SearchProgress& progress) {
                             inputs.Report(progress.done, progress.what);
                           }}));
  RETURN_IF_ERROR(CheckLoss(found, inputs.options.max_accuracy_loss));
  result.plan = FixedPointPlanner(context).PlanOf(found.choice);
  result.bits = BitsOf(context, found.choice);
  Describe(found, max_loss, *evaluator, result);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunFixedPoint(const MethodInputs& inputs, MethodResult& result) {
  return RunSearch(
      inputs, ActivationForm::kSigned,
      [](const Search& search) {
        return GreedySearch(search.context, search.evaluator, search.max_loss,
                            search.progress);
      },
      result);
}

absl::Status RunFixedPointIndependent(const MethodInputs& inputs,
                                      MethodResult& result) {
  return RunSearch(
      inputs, ActivationForm::kSigned,
      [](const Search& search) {
        return IndependentSearch(search.context, search.evaluator,
                                 search.max_loss, search.progress);
      },
      result);
}

absl::Status RunFixedPointPlus(const MethodInputs& inputs,
                               MethodResult& result) {
  return RunSearch(
      inputs, ActivationForm::kOffset,
      [](const Search& search) {
        return AllocateBits(
            search.context, search.evaluator,
            {.max_loss = search.max_loss, .granularity = search.granularity},
            search.progress);
      },
      result);
}

}  // namespace frostnas::quant

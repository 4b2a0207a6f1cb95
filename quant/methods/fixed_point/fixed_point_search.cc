#include "quant/methods/fixed_point/fixed_point_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "quant/methods/fixed_point/descent.h"
#include "quant/methods/fixed_point/searched_tensor.h"

namespace frostnas::quant {
namespace {

// Budgets of the ablation are halved so often at most.
constexpr int kHalvings = 8;
// Budgets of the published search are reduced to so much, so often at most.
constexpr double kReduction = 0.7;
constexpr int kReductions = 6;

constexpr TensorKind kKinds[] = {TensorKind::kWeights, TensorKind::kBias,
                                 TensorKind::kActivation};

float LargestOf(const std::vector<float>& values) {
  float largest = 0;
  for (float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// NoClipStart and what it loses.
absl::StatusOr<SearchResult> MeasuredStart(const FixedPointContext& context,
                                           PlanEvaluator& evaluator) {
  SearchResult start = {.choice = NoClipStart(context)};
  const QuantizationPlan plan = FixedPointPlanner(context).PlanOf(start.choice);
  RETURN_IF_ERROR(evaluator.SetBase(plan, 0));
  ASSIGN_OR_RETURN(start.score, evaluator.Evaluate(plan, 0));
  return start;
}

// Whether there is anything to lose between `start` and the bound.
bool HasBudget(const SearchResult& start, double max_loss) {
  return start.score.expected_loss < max_loss;
}

// Losses of networks that differ from `start` in one tensor.
class AloneLosses {
 public:
  AloneLosses(const FixedPointContext& context, const SearchResult& start,
              PlanEvaluator& evaluator)
      : context_(context),
        start_(start),
        evaluator_(evaluator),
        planner_(context) {}

  int evaluations() const { return evaluations_; }

  // Sets all tensors of a kind in `choice`.
  absl::Status ChooseAll(TensorKind kind, double max_loss,
                         FixedPointNetwork& choice) {
    RETURN_IF_ERROR(evaluator_.SetBase(planner_.PlanOf(start_.choice), 0));
    const double lost = start_.score.expected_loss;
    const double to_lose = std::max(max_loss - lost, 0.0);
    const auto tensors = TensorsOf(context_.network.graph, kind);
    const int count = static_cast<int>(tensors.size());
    for (int i = 0; i < count; ++i) {
      const SearchedTensor& tensor = tensors[i];
      ASSIGN_OR_RETURN(
          const MeasuredFormat found,
          SearchTensor(
              tensor, start_.choice, lost + BudgetOf(kind, i, count, to_lose),
              [&](const FixedPoint& tried) { return Loss(tensor, tried); }));
      SetFormat(tensor, found.format, choice);
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<double> Loss(const SearchedTensor& tensor,
                              const FixedPoint& format) {
    const auto key = std::tuple(tensor.name, format.bits, format.fraction);
    const auto found = losses_.find(key);
    if (found != losses_.end()) return found->second;
    FixedPointNetwork tried = start_.choice;
    SetFormat(tensor, format, tried);
    ++evaluations_;
    ASSIGN_OR_RETURN(
        const PlanScore score,
        evaluator_.Evaluate(planner_.PlanOf(tried), tensor.first_layer));
    losses_[key] = score.expected_loss;
    return score.expected_loss;
  }

  const FixedPointContext& context_;
  const SearchResult& start_;
  PlanEvaluator& evaluator_;
  FixedPointPlanner planner_;
  std::map<std::tuple<std::string, int, int>, double> losses_;
  int evaluations_ = 0;
};

class Greedy {
 public:
  Greedy(const FixedPointContext& context, const SearchResult& start,
         PlanEvaluator& evaluator, const OnSearchProgress& progress)
      : context_(context),
        start_(start),
        evaluator_(evaluator),
        progress_(progress),
        planner_(context) {}

  // `to_lose` beyond what the start loses; `run` is for the progress.
  absl::StatusOr<SearchResult> Run(double to_lose, int run) {
    result_ = start_;
    const double lost = start_.score.expected_loss;
    for (int k = 0; k < 3; ++k) {
      const auto tensors = TensorsOf(context_.network.graph, kKinds[k]);
      RETURN_IF_ERROR(evaluator_.SetBase(planner_.PlanOf(result_.choice), 0));
      const int count = static_cast<int>(tensors.size());
      for (int i = 0; i < count; ++i) {
        const double budget = lost + BudgetOf(kKinds[k], i, count, to_lose);
        ASSIGN_OR_RETURN(const MeasuredFormat found,
                         Search(tensors[i], budget));
        progress_({(k + (i + 1.0) / count) / 3,
                   absl::StrFormat("run %d, %s: %d bits, expected loss %.2f %%",
                                   run + 1, tensors[i].name, found.format.bits,
                                   100 * found.loss)});
      }
    }
    ASSIGN_OR_RETURN(result_.score,
                     evaluator_.Evaluate(planner_.PlanOf(result_.choice), 0));
    return result_;
  }

 private:
  absl::StatusOr<MeasuredFormat> Search(const SearchedTensor& tensor,
                                        double budget) {
    const auto loss = [&](const FixedPoint& format) -> absl::StatusOr<double> {
      FixedPointNetwork tried = result_.choice;
      SetFormat(tensor, format, tried);
      ++result_.evaluations;
      ASSIGN_OR_RETURN(
          const PlanScore score,
          evaluator_.Evaluate(planner_.PlanOf(tried), tensor.first_layer));
      return score.expected_loss;
    };
    ASSIGN_OR_RETURN(const MeasuredFormat found,
                     SearchTensor(tensor, result_.choice, budget, loss));
    SetFormat(tensor, found.format, result_.choice);
    RETURN_IF_ERROR(evaluator_.SetBase(planner_.PlanOf(result_.choice),
                                       tensor.first_layer));
    return found;
  }

  const FixedPointContext& context_;
  const SearchResult& start_;
  PlanEvaluator& evaluator_;
  const OnSearchProgress& progress_;
  FixedPointPlanner planner_;
  SearchResult result_;
};

}  // namespace

FixedPointNetwork NoClipStart(const FixedPointContext& context) {
  FixedPointNetwork start;
  for (const FoldedLayer& folded : context.network.layers) {
    FixedPointLayer& layer = start.layers.emplace_back();
    layer.weights = {kStoredBits,
                     {NoClipFraction(LargestOf(folded.weights), kStoredBits)}};
    layer.bias = {kStartBiasBits,
                  NoClipFraction(LargestOf(folded.bias), kStartBiasBits)};
  }
  for (const Range& range : context.ranges) {
    const float largest = std::max(std::abs(range.min), std::abs(range.max));
    start.activations.push_back(
        {kStoredBits, NoClipFraction(largest, kStoredBits)});
  }
  return start;
}

absl::StatusOr<SearchResult> GreedySearch(const FixedPointContext& context,
                                          PlanEvaluator& evaluator,
                                          double max_loss,
                                          const OnSearchProgress& progress) {
  ASSIGN_OR_RETURN(SearchResult start, MeasuredStart(context, evaluator));
  if (!HasBudget(start, max_loss)) return start;
  const double to_lose = max_loss - start.score.expected_loss;
  Greedy greedy(context, start, evaluator, progress);
  int evaluations = 0;
  for (int run = 0; run <= kReductions; ++run) {
    ASSIGN_OR_RETURN(SearchResult result,
                     greedy.Run(to_lose * std::pow(kReduction, run), run));
    evaluations += result.evaluations;
    if (result.score.believed_loss() <= max_loss) {
      result.evaluations = evaluations;
      return result;
    }
  }
  start.evaluations = evaluations;
  return start;
}

absl::StatusOr<SearchResult> IndependentSearch(
    const FixedPointContext& context, PlanEvaluator& evaluator, double max_loss,
    const OnSearchProgress& progress) {
  ASSIGN_OR_RETURN(SearchResult start, MeasuredStart(context, evaluator));
  if (!HasBudget(start, max_loss)) return start;
  AloneLosses alone(context, start, evaluator);
  FixedPointPlanner planner(context);
  for (int halving = 0; halving <= kHalvings; ++halving) {
    SearchResult result = {.choice = start.choice};
    for (TensorKind kind : kKinds) {
      RETURN_IF_ERROR(
          alone.ChooseAll(kind, std::ldexp(max_loss, -halving), result.choice));
    }
    RETURN_IF_ERROR(evaluator.SetBase(planner.PlanOf(result.choice), 0));
    ASSIGN_OR_RETURN(result.score,
                     evaluator.Evaluate(planner.PlanOf(result.choice), 0));
    result.evaluations = alone.evaluations() + halving + 1;
    progress({(halving + 1.0) / (kHalvings + 1),
              absl::StrCat("budgets halved ", halving, " times")});
    if (result.score.believed_loss() <= max_loss) return result;
  }
  start.evaluations = alone.evaluations();
  return start;
}

}  // namespace frostnas::quant

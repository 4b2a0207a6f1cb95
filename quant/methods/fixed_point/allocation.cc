#include "quant/methods/fixed_point/allocation.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "quant/methods/cost.h"
#include "quant/methods/fixed_point/searched_tensor.h"
#include "quant/methods/ranges/ranges.h"

namespace frostnas::quant {
namespace {

// Growth of divergence below which a bit is free.
constexpr double kNoHarm = 1e-6;

FixedPointWeights LeastErrorWeights(const arch::Layer& layer,
                                    const FoldedLayer& folded, int bits,
                                    WeightGranularity granularity) {
  if (granularity == WeightGranularity::kPerTensor) {
    return {bits, {LeastErrorFraction(folded.weights, bits)}};
  }
  const FilterLayout layout = FilterLayoutOf(layer);
  FixedPointWeights weights = {.bits = bits};
  for (int c = 0; c < layout.channels; ++c) {
    weights.fractions.push_back(
        LeastErrorFraction(FilterOf(layout, folded.weights, c), bits));
  }
  return weights;
}

// Among the fraction that covers the range and the two above it.
FixedPoint LeastErrorActivation(const Histogram& values, int bits) {
  const double width =
      std::max(values.range().max, 0.0f) - std::min(values.range().min, 0.0f);
  // An offset form has one bit more than a signed one.
  const int first = NoClipFraction(width, bits + 1);
  FixedPoint best = {bits, first};
  double least = std::numeric_limits<double>::infinity();
  for (int fraction = first; fraction <= first + 2; ++fraction) {
    const double error =
        MeanSquaredError(values, LeastErrorGrid({bits, fraction}, values));
    if (error >= least) continue;
    least = error;
    best.fraction = fraction;
  }
  return best;
}

class Allocator {
 public:
  Allocator(const FixedPointContext& context, PlanEvaluator& evaluator,
            const AllocationOptions& options)
      : context_(context),
        evaluator_(evaluator),
        options_(options),
        planner_(context),
        baseline_(EightBitCost(context.network.graph)) {}

  absl::StatusOr<SearchResult> Run(FixedPointNetwork start,
                                   const OnSearchProgress& progress) {
    result_.choice = std::move(start);
    for (TensorKind kind : {TensorKind::kWeights, TensorKind::kActivation}) {
      for (SearchedTensor& tensor : TensorsOf(context_.network.graph, kind)) {
        removals_.push_back({.tensor = std::move(tensor)});
      }
    }
    std::sort(removals_.begin(), removals_.end(),
              [](const Removal& a, const Removal& b) {
                return a.tensor.first_layer < b.tensor.first_layer;
              });
    const QuantizationPlan plan = planner_.PlanOf(result_.choice);
    RETURN_IF_ERROR(evaluator_.SetBase(plan, 0));
    ASSIGN_OR_RETURN(result_.score, evaluator_.Evaluate(plan, 0));
    for (Removal& removal : removals_) RETURN_IF_ERROR(Measure(removal));
    const double bits_to_take =
        removals_.size() * (kStoredBits - options_.least_bits);
    while (true) {
      ASSIGN_OR_RETURN(Removal * best, Best());
      if (best == nullptr) return result_;
      RETURN_IF_ERROR(Take(*best));
      ++taken_;
      progress({taken_ / bits_to_take,
                absl::StrFormat("%s: %d bits, expected loss %.2f %%",
                                best->tensor.name,
                                FormatOf(best->tensor, result_.choice).bits,
                                100 * result_.score.expected_loss)});
    }
  }

 private:
  // Taking the next bit of a tensor.
  struct Removal {
    SearchedTensor tensor;
    bool possible = true;
    int measured_at = -1;  // bits taken from the network before
    FixedPointNetwork choice;
    PlanScore score;
    double rate = 0;  // gain a harm
  };

  double CostOfChoice(const FixedPointNetwork& choice) const {
    const NetworkCost cost =
        CostOf(context_.network.graph, BitsOf(context_, choice));
    return options_.memory_weight * cost.memory_kb() / baseline_.memory_kb() +
           cost.multiplications / baseline_.multiplications;
  }

  std::vector<FixedPointNetwork> Candidates(
      const SearchedTensor& tensor) const {
    std::vector<FixedPointNetwork> candidates;
    const FixedPoint format = FormatOf(tensor, result_.choice);
    const int bits = format.bits - 1;
    if (tensor.kind == TensorKind::kWeights) {
      FixedPointNetwork& choice = candidates.emplace_back(result_.choice);
      choice.layers[tensor.index].weights = LeastErrorWeights(
          context_.network.graph.layers[tensor.index],
          context_.network.layers[tensor.index], bits, options_.granularity);
      return candidates;
    }
    for (int fraction : {format.fraction, format.fraction - 1}) {
      SetFormat(tensor, {bits, fraction},
                candidates.emplace_back(result_.choice));
    }
    return candidates;
  }

  absl::Status Measure(Removal& removal) {
    const int bits = FormatOf(removal.tensor, result_.choice).bits;
    removal.measured_at = taken_;
    removal.possible = removal.possible && bits > options_.least_bits;
    if (!removal.possible) return absl::OkStatus();
    removal.score.divergence = std::numeric_limits<double>::infinity();
    for (FixedPointNetwork& choice : Candidates(removal.tensor)) {
      ++result_.evaluations;
      ASSIGN_OR_RETURN(const PlanScore score,
                       evaluator_.Evaluate(planner_.PlanOf(choice),
                                           removal.tensor.first_layer));
      if (score.divergence >= removal.score.divergence) continue;
      removal.score = score;
      removal.choice = std::move(choice);
    }
    const double gain =
        CostOfChoice(result_.choice) - CostOfChoice(removal.choice);
    const double harm = removal.score.divergence - result_.score.divergence;
    removal.rate = gain / std::max(harm, kNoHarm);
    removal.possible = Allowed(removal.score);
    return absl::OkStatus();
  }

  bool Allowed(const PlanScore& score) const {
    return score.believed_loss() <= options_.max_loss;
  }

  // The best removal, measured now; null: none is possible.
  absl::StatusOr<Removal*> Best() {
    while (true) {
      Removal* best = nullptr;
      for (Removal& removal : removals_) {
        if (!removal.possible) continue;
        if (best == nullptr || removal.rate > best->rate) best = &removal;
      }
      if (best == nullptr || best->measured_at == taken_) return best;
      RETURN_IF_ERROR(Measure(*best));
    }
  }

  absl::Status Take(Removal& removal) {
    result_.choice = removal.choice;
    result_.score = removal.score;
    // Where it lies in the network decides how much must run again.
    RETURN_IF_ERROR(evaluator_.SetBase(planner_.PlanOf(result_.choice),
                                       removal.tensor.first_layer));
    removal.measured_at = -1;
    // A guess until it is measured: squared errors grow fourfold with a bit.
    removal.rate /= 4;
    return absl::OkStatus();
  }

  const FixedPointContext& context_;
  PlanEvaluator& evaluator_;
  const AllocationOptions options_;
  FixedPointPlanner planner_;
  const NetworkCost baseline_;
  std::vector<Removal> removals_;
  SearchResult result_;
  int taken_ = 0;
};

}  // namespace

FixedPointNetwork LeastErrorStart(const FixedPointContext& context,
                                  WeightGranularity granularity) {
  FixedPointNetwork start = NoClipStart(context);
  const arch::Graph& graph = context.network.graph;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (!graph.layers[i].has_weights()) continue;
    FixedPointLayer& layer = start.layers[i];
    layer.weights = LeastErrorWeights(
        graph.layers[i], context.network.layers[i], kStoredBits, granularity);
    layer.bias = WithBits(layer.bias, kStoredBits);
  }
  for (size_t g = 0; g < context.values.size(); ++g) {
    start.activations[g] = LeastErrorActivation(context.values[g], kStoredBits);
  }
  return start;
}

absl::StatusOr<SearchResult> AllocateBits(const FixedPointContext& context,
                                          PlanEvaluator& evaluator,
                                          const AllocationOptions& options,
                                          const OnSearchProgress& progress) {
  return Allocator(context, evaluator, options)
      .Run(LeastErrorStart(context, options.granularity), progress);
}

}  // namespace frostnas::quant

#include "quant/methods/fixed_point/descent.h"

#include <limits>
#include <map>
#include <utility>

#include "base/status_macros.h"

namespace frostnas::quant {
namespace {

// A neighbour must be so much better to be worth a bit.
constexpr double kTradeOff = 0.0015;

int MaxBits(TensorKind kind) {
  return kind == TensorKind::kBias ? kStartBiasBits : kStoredBits;
}

// Losses of the formats that were tried.
class LossTable {
 public:
  using Loss = std::function<absl::StatusOr<double>(const FixedPoint&)>;
  explicit LossTable(const Loss& loss) : loss_(loss) {}

  absl::StatusOr<double> At(const FixedPoint& format) {
    const auto key = std::pair(format.bits, format.fraction);
    const auto found = losses_.find(key);
    if (found != losses_.end()) return found->second;
    ASSIGN_OR_RETURN(const double loss, loss_(format));
    losses_[key] = loss;
    return loss;
  }

 private:
  const Loss& loss_;
  std::map<std::pair<int, int>, double> losses_;
};

// The fewest bits within the budget, `step` taken again and again from `from`,
// `past` steps beyond the first failure.
absl::StatusOr<FixedPoint> Walk(const FixedPoint& from, const FixedPoint& step,
                                double budget, int past, LossTable& table) {
  FixedPoint best = from;
  FixedPoint at = from;
  int failures = 0;
  while (at.bits > 1 && failures <= past) {
    at = {at.bits + step.bits, at.fraction + step.fraction};
    ASSIGN_OR_RETURN(const double loss, table.At(at));
    if (loss <= budget) {
      best = at;
    } else {
      ++failures;
    }
  }
  return best;
}

absl::StatusOr<FixedPoint> BestNeighbour(const FixedPoint& from, int max_bits,
                                         LossTable& table) {
  FixedPoint best = from;
  double least = std::numeric_limits<double>::infinity();
  for (int bits = from.bits - 1; bits <= from.bits + 1; ++bits) {
    if (bits < 1 || bits > max_bits) continue;
    for (int shift = -1; shift <= 1; ++shift) {
      const FixedPoint format = {bits, from.fraction + shift};
      ASSIGN_OR_RETURN(const double loss, table.At(format));
      if (loss >= least) continue;
      least = loss;
      best = format;
    }
  }
  return best;
}

// Where a search of one tensor starts.
FixedPoint StartOf(const SearchedTensor& tensor,
                   const FixedPointNetwork& choice) {
  const FixedPoint format = FormatOf(tensor, choice);
  return tensor.kind == TensorKind::kBias ? WithBits(format, kStoredBits)
                                          : format;
}

}  // namespace

double BudgetOf(TensorKind kind, int i, int count, double max_loss) {
  const double half = max_loss / 2;
  const double share = half * (i + 1) / count;
  switch (kind) {
    case TensorKind::kWeights:
      return share;
    case TensorKind::kBias:
      return half;
    case TensorKind::kActivation:
      break;
  }
  return half + share;
}

absl::StatusOr<MeasuredFormat> DescendTensor(
    const FixedPoint& start, double budget, int max_bits,
    const std::function<absl::StatusOr<double>(const FixedPoint&)>& loss) {
  LossTable table(loss);
  ASSIGN_OR_RETURN(const double first, table.At(start));
  if (first > budget) return MeasuredFormat{start, first};
  ASSIGN_OR_RETURN(FixedPoint least, Walk(start, {-1, -1}, budget, 1, table));
  if (least.bits > 2) {
    ASSIGN_OR_RETURN(least, Walk(least, {-1, 0}, budget, 0, table));
  }
  ASSIGN_OR_RETURN(const FixedPoint best,
                   BestNeighbour(least, max_bits, table));
  ASSIGN_OR_RETURN(const double loss_least, table.At(least));
  ASSIGN_OR_RETURN(const double loss_best, table.At(best));
  const bool worth = loss_least - loss_best >= kTradeOff;
  if (worth || best.bits <= least.bits) return MeasuredFormat{best, loss_best};
  return MeasuredFormat{least, loss_least};
}

absl::StatusOr<MeasuredFormat> SearchTensor(
    const SearchedTensor& tensor, const FixedPointNetwork& choice,
    double budget,
    const std::function<absl::StatusOr<double>(const FixedPoint&)>& loss) {
  const int max_bits = MaxBits(tensor.kind);
  ASSIGN_OR_RETURN(
      const MeasuredFormat found,
      DescendTensor(StartOf(tensor, choice), budget, max_bits, loss));
  const FixedPoint now = FormatOf(tensor, choice);
  if (found.loss <= budget || found.format.bits == now.bits) return found;
  return DescendTensor(now, budget, max_bits, loss);
}

}  // namespace frostnas::quant

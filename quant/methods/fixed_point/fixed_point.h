// The number format of fixed-point search, and a network in it.
//
// A fixed-point number of `bits` with `fraction` fractional bits is
//
//   value = q * 2^-fraction,  |q| <= 2^(bits-1) - 1,  round half to even
//
// (Goyal et al., arXiv 2102.02147, section 3). `fraction` may exceed `bits` or
// be negative; one bit leaves only zero. Activations have that form in stored
// bytes, around a zero point of 2^(bits-1); or, as `kOffset`, all 2^bits codes
// around the zero point that suits their range: 0 where nothing is negative,
// which gives a ReLU's output the bit that a sign would waste.
//
// INVALID_ARGUMENT: what the folded network's checks say. Values; any thread.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_H_

#include <map>
#include <tuple>
#include <vector>

#include "absl/types/span.h"
#include "nn/quant_hooks.h"
#include "quant/grid_groups.h"
#include "quant/methods/fixed_point/allocation_rounding.h"
#include "quant/methods/method.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/methods/ranges/histogram.h"
#include "quant/observer.h"

namespace frostnas::quant {

struct FixedPoint {
  int bits = 8;  // >= 1
  int fraction = 0;

  friend bool operator==(const FixedPoint&, const FixedPoint&) = default;
};

// Of the same range with `bits` bits.
inline FixedPoint WithBits(const FixedPoint& format, int bits) {
  return {bits, format.fraction + bits - format.bits};
}

// Largest |q|.
int FixedPointMax(int bits);
// q, and the value it stands for. `value` finite.
int FixedPointCode(double value, const FixedPoint& format);
double ToFixedPoint(double value, const FixedPoint& format);

// The largest fraction that does not clip `largest` >= 0 by more than a
// rounding: bits - 1 - ceil(log2(largest)). 0 for a `largest` of 0.
int NoClipFraction(double largest, int bits);

// The fraction with the least squared error of the values, among the one that
// does not clip and the two above it. bits >= 2.
int LeastErrorFraction(absl::Span<const float> values, int bits);

enum class ActivationForm { kSigned, kOffset };

// Stored form of an activation whose values lie in `range`; format.bits <= 8.
nn::AffineGrid FixedPointGrid(const FixedPoint& format, ActivationForm form,
                              const Range& range);

// kOffset with the zero point of least squared error: values of a norm after a
// ReLU pile up at their lower end, where clipping would hurt.
nn::AffineGrid LeastErrorGrid(const FixedPoint& format,
                              const Histogram& values);

// Weights of one output channel, in the order of a filter's elements.
std::vector<float> FilterOf(const FilterLayout& layout,
                            absl::Span<const float> weights, int channel);

// Weights of a layer: one fraction, or one an output channel.
struct FixedPointWeights {
  int bits = 8;  // 1..8
  std::vector<int> fractions;

  friend bool operator==(const FixedPointWeights&,
                         const FixedPointWeights&) = default;
};

struct FixedPointLayer {
  FixedPointWeights weights;
  FixedPoint bias;

  friend bool operator==(const FixedPointLayer&,
                         const FixedPointLayer&) = default;
};

// What a search chooses.
struct FixedPointNetwork {
  std::vector<FixedPointLayer> layers;  // one a layer of the graph
  std::vector<FixedPoint> activations;  // one a group of quant/grid_groups.h
};

// What does not change in a search; not owned.
struct FixedPointContext {
  const FoldedNetwork& network;
  ActivationForm form = ActivationForm::kOffset;
  // Of the activations, one a group.
  std::vector<Range> ranges;
  nn::AffineGrid input;  // 8 bits; its group keeps it
  // One a layer: for layers with statistics, weights are rounded with feedback
  // and biases take back what that does to means (allocation_rounding.h).
  // Empty: all are rounded to the nearest.
  std::vector<InputStatistics> inputs;
  // One a group: for zero points of LeastErrorGrid. Empty: FixedPointGrid.
  std::vector<Histogram> values;
};

// `inputs` as above; empty: to the nearest.
QuantizedWeights FixedPointWeightsOf(const arch::Layer& layer,
                                     const FoldedLayer& folded,
                                     const FixedPointLayer& format,
                                     const InputStatistics& inputs = {});

// Makes plans, and remembers the weights that it has rounded.
// Thread-compatible.
class FixedPointPlanner {
 public:
  // `context` must outlive it.
  explicit FixedPointPlanner(const FixedPointContext& context);

  const QuantizationPlan& PlanOf(const FixedPointNetwork& choice);

 private:
  nn::AffineGrid GridOf(int group, const FixedPoint& format);

  using Key = std::tuple<int, int, std::vector<int>, int, int>;

  const FixedPointContext& context_;
  const GridGroups groups_;
  std::map<Key, QuantizedWeights> rounded_;
  std::map<std::tuple<int, int, int>, nn::AffineGrid> grids_;
  std::vector<FixedPointLayer> planned_;  // formats in plan_
  QuantizationPlan plan_;
};

// One a layer of the graph; 8 bits of activations for what lies on the input's
// grid.
std::vector<LayerBits> BitsOf(const FixedPointContext& context,
                              const FixedPointNetwork& choice);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_H_

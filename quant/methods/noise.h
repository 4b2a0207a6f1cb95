// Where quantization loses a network's accuracy, layer by layer (Sheng et al.,
// arXiv 1803.08607): the signal-to-quantization-noise ratio
//
//   SQNR = 10 log10(sum x^2 / sum (x - xq)^2) dB
//
// of folded weights, and of layers' outputs in the float network against the
// integer executor, which carries the noise of all layers before; and how far
// the largest folded weight lies from the usual one, which tells channels that
// a batch norm of variance near 0 blew up.
//
// Functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_NOISE_H_
#define FROSTNAS_QUANT_METHODS_NOISE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/methods/ranges/batches.h"

namespace frostnas::quant {

// The cleanest a ratio is given: no noise at all, or no signal either.
inline constexpr double kMaxSqnrDb = 200;

// Sums of signal and noise power.
class NoiseMeter {
 public:
  void Add(double exact, double quantized) {
    signal_ += exact * exact;
    noise_ += (exact - quantized) * (exact - quantized);
  }
  // At most kMaxSqnrDb; at least -kMaxSqnrDb, for noise without signal.
  double sqnr_db() const;

 private:
  double signal_ = 0;
  double noise_ = 0;
};

// max|w| / median|w|; 1 for weights that are all zero, and where the median
// alone is zero, max|w| over the least |w| that is not.
double OutlierRatio(absl::Span<const float> weights);

struct LayerNoise {
  std::string name;
  double activation_db = 0;
  // Of layers with weights; else kMaxSqnrDb and 1.
  double weight_db = kMaxSqnrDb;
  double outlier_ratio = 1;
};

// One a layer. `folded` is the network the plan is for. INVALID_ARGUMENT: no
// images, or as Assemble. CANCELLED: a stop was requested.
absl::StatusOr<std::vector<LayerNoise>> AnalyzeNoise(
    const FoldedNetwork& folded, const QuantizationPlan& plan,
    const CalibrationImages& images, const StopToken& stop);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_NOISE_H_

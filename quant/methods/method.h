// Start here: what every quantization method takes and gives.
//
// A method takes a trained float network and images and gives a plan, from
// which quant/methods/network/integer_layers.h makes the package. Most are made
// of stages that each do one thing, joined by "+" in this order:
//
//   transform   changes the folded network, not its function (cle)
//   ranges      grids of activations, scales of weights (minmax, mse, ...)
//   rounding    weights other than to the nearest (adaround)
//   correction  biases (bias_correction)
//
//   ASSIGN_OR_RETURN(Method method,
//                    ParseMethod("cle+mse+bias_correction", AllStages()));
//   ASSIGN_OR_RETURN(MethodResult result, RunMethod(method, inputs));
//   ASSIGN_OR_RETURN(v1::Package package,
//                    Assemble(result.network, result.plan));
//
// Searching and training methods do all of it themselves; they may follow a
// transform. A method without ranges takes minmax's. Stages are known by
// quant/methods/registry.h.
//
// INVALID_ARGUMENT: an option, or images that do not fit. CANCELLED: a stop was
// requested. FAILED_PRECONDITION: a training whose loss is not finite any more.
//
// Deterministic for one seed and number of compute threads.
#ifndef FROSTNAS_QUANT_METHODS_METHOD_H_
#define FROSTNAS_QUANT_METHODS_METHOD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "nn/data/image_set.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"

namespace frostnas::quant {

struct MethodOptions {
  WeightGranularity weights = WeightGranularity::kPerChannel;
  // Of methods that do not choose them: 2..8.
  int weight_bits = 8;
  int activation_bits = 8;
  // fat: equalise depthwise convolutions with what follows them first.
  bool rescale = false;
  // fixed_point: top-1 it may lose on the search images, as a share of the
  // float network's.
  double max_accuracy_loss = 0.01;
  // lsq, fat; 0: the method's own.
  int epochs = 0;
  double learning_rate = 0;
  uint64_t seed = 1;
};

// Images are raw pixels; they are normalised as network.dataset says. None is
// of the test split. Not owned.
struct MethodInputs {
  const FoldedNetwork& network;
  const nn::ImageSet& calibration;  // labels are not used
  const nn::ImageSet& search;       // held out; for choosing, with labels
  const nn::ImageSet& train;        // labels of lsq only
  MethodOptions options;
  StopToken stop;
  // Called now and then with the share of the stage done, 0..1, and what it
  // does. May be null.
  std::function<void(double done, const std::string& what)> progress;

  void Report(double done, const std::string& what) const {
    if (progress) progress(done, what);
  }
};

// Bits of a layer's tensors, as far as it has them.
struct LayerBits {
  int weights = 8;
  int bias = 32;
  int activation = 8;
};

struct MethodResult {
  // What the plan is for: the inputs' network, or what a transform made of it.
  FoldedNetwork network;
  QuantizationPlan plan;
  std::vector<LayerBits> bits;  // one a layer
  // What a reader of the report should know, a sentence each.
  std::vector<std::string> notes;
};

enum class StageKind {
  kTransform,
  kRanges,
  kRounding,
  kCorrection,
  kWhole,  // ranges, rounding and correction in one
};

// Changes what its kind says. `result` holds what the stages before gave; its
// network is the one to work on.
using StageFunction = absl::Status (*)(const MethodInputs& inputs,
                                       MethodResult& result);

struct Stage {
  absl::string_view name;  // "bias_correction"
  StageKind kind = StageKind::kRanges;
  absl::string_view what;  // "Corrects biases by ...", for --help
  StageFunction run = nullptr;
};

struct Method {
  std::string name;  // as the user wrote it
  std::vector<Stage> stages;
};

// Of one name of `known`, or of several joined by "+". A method without ranges
// gets the first of `known` that chooses them. INVALID_ARGUMENT: a name is not
// known, or the order is not the one above; says what would do.
absl::StatusOr<Method> ParseMethod(absl::string_view name,
                                   absl::Span<const Stage> known);

// INVALID_ARGUMENT: an option is out of range; starts with its name.
absl::Status CheckOptions(const MethodOptions& options);

// `inputs.progress` gets the share of all stages. Errors name the stage.
absl::StatusOr<MethodResult> RunMethod(const Method& method,
                                       const MethodInputs& inputs);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_METHOD_H_

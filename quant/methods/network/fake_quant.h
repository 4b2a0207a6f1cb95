// A plan executed with float arithmetic: dequantized weights, rounded biases
// and fixed grids in the training network. What separates it from the integer
// executor is the rounding of float sums, and of a bias where its norm comes
// after the activation.
//
//   ASSIGN_OR_RETURN(auto fake, FakeQuantNetwork::Create(folded, plan));
//   fake->network().Forward(images, nn::Mode::kEval);
//   RETURN_IF_ERROR(fake->SetPlan(other_plan));   // much cheaper than anew
//
// INVALID_ARGUMENT: see CheckPlan. Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_NETWORK_FAKE_QUANT_H_
#define FROSTNAS_QUANT_METHODS_NETWORK_FAKE_QUANT_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "nn/data/image_set.h"
#include "nn/network.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"

namespace frostnas::quant {

class FakeQuantNetwork {
 public:
  // Keeps a copy of `folded`.
  static absl::StatusOr<std::unique_ptr<FakeQuantNetwork>> Create(
      const FoldedNetwork& folded, const QuantizationPlan& plan);
  ~FakeQuantNetwork();

  absl::Status SetPlan(const QuantizationPlan& plan);

  // Evaluation (Mode::kEval) only.
  nn::Network& network();

 private:
  struct Impl;
  explicit FakeQuantNetwork(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What evaluates on; not owned.
struct Evaluation {
  const nn::ImageSet& images;
  StopToken stop = {};
  // Called with the share of the images done, 0..1. May be null.
  std::function<void(double done)> progress = {};
};

// Share of the images whose label has the largest logit: of the float network,
// and of the plan. Images are normalised as the network's own data set was.
// INVALID_ARGUMENT also: no image, or images of another size. CANCELLED: a stop
// was requested.
absl::StatusOr<double> FloatTop1(const FoldedNetwork& folded,
                                 const Evaluation& evaluation);
absl::StatusOr<double> FakeQuantTop1(const FoldedNetwork& folded,
                                     const QuantizationPlan& plan,
                                     const Evaluation& evaluation);
// Of a network of that normalisation.
absl::StatusOr<double> NetworkTop1(nn::Network& network,
                                   const v1::DatasetInfo& dataset,
                                   const Evaluation& evaluation);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_NETWORK_FAKE_QUANT_H_

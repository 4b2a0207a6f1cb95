// A folded network whose grids and weight scales are trained, in nn::Network.
//
//   ASSIGN_OR_RETURN(auto learned, LearnedNetwork::Create(folded, parts));
//   ... train learned->network() with learned->quantizer_parameters(), and
//   learned->Project() after each step ...
//   QuantizationPlan plan = learned->Plan();
//
// Dropout is off. Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_NETWORK_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_NETWORK_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "nn/network.h"
#include "nn/parameter.h"
#include "quant/methods/learned/learned_quantizer.h"
#include "quant/methods/method.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"

namespace frostnas::quant {

// What is quantized how.
struct LearnedParts {
  // One a layer; null for layers without weights.
  std::vector<std::unique_ptr<LearnedWeights>> weights;
  // One a group of GridGroups(graph).
  std::vector<std::unique_ptr<LearnedGrid>> grids;
  int weight_bits = 8;
};

class LearnedNetwork {
 public:
  // INVALID_ARGUMENT: as FloatNetworkOf.
  static absl::StatusOr<std::unique_ptr<LearnedNetwork>> Create(
      const FoldedNetwork& folded, LearnedParts parts);

  nn::Network& network() { return *network_; }
  // Weights and biases, but not norms after activations, which stay.
  std::vector<nn::Parameter*> layer_parameters();
  std::vector<nn::Parameter*> quantizer_parameters();
  void Project();

  // The folded network with the weights and biases there are now.
  FoldedNetwork Folded() const;
  QuantizationPlan Plan() const;

 private:
  LearnedNetwork(const FoldedNetwork& folded, LearnedParts parts);
  void SetHooks();

  FoldedNetwork folded_;
  LearnedParts parts_;
  std::unique_ptr<nn::Network> network_;
};

// The bits of `options` for every layer, 8 for what is on the input's grid.
void SetBits(const MethodOptions& options, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_LEARNED_NETWORK_H_

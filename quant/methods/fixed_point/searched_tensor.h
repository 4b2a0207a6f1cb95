// The tensors of a network that a fixed-point search chooses formats for.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_SEARCHED_TENSOR_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_SEARCHED_TENSOR_H_

#include <string>
#include <vector>

#include "arch/graph.h"
#include "quant/methods/fixed_point/fixed_point.h"

namespace frostnas::quant {

// Of weights and activations at most; searches start biases with the second.
inline constexpr int kStoredBits = 8;
inline constexpr int kStartBiasBits = 16;

enum class TensorKind { kWeights, kBias, kActivation };

// Something a search chooses bits for.
struct SearchedTensor {
  TensorKind kind = TensorKind::kWeights;
  int index = 0;        // of the layer; of the grid group for activations
  int first_layer = 0;  // the first that computes something else
  std::string name;     // "s3b1.expand weights"
};

// Of one kind, in the order of the layers.
std::vector<SearchedTensor> TensorsOf(const arch::Graph& graph,
                                      TensorKind kind);

FixedPoint FormatOf(const SearchedTensor& tensor,
                    const FixedPointNetwork& choice);
// Weights get one fraction for all channels.
void SetFormat(const SearchedTensor& tensor, const FixedPoint& format,
               FixedPointNetwork& choice);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_SEARCHED_TENSOR_H_

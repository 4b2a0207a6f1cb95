// Which tensors of a graph must share one grid (design.md 5): a concat and
// both its inputs, and the input and output of layers that only move values
// (max pooling, global max pooling, dropout).
//
// Pure function of the graph; any thread.
#ifndef FROSTNAS_QUANT_GRID_GROUPS_H_
#define FROSTNAS_QUANT_GRID_GROUPS_H_

#include <vector>

#include "arch/graph.h"

namespace frostnas::quant {

class GridGroups {
 public:
  explicit GridGroups(const arch::Graph& graph);

  // Group of layer `index`'s output or of arch::kGraphInput, in
  // [0, num_groups()).
  int group(int index) const { return group_[index + 1]; }
  int num_groups() const { return num_groups_; }

 private:
  std::vector<int> group_;  // by index + 1
  int num_groups_ = 0;
};

// Whether the layer's output values are its inputs' (concat, max pooling,
// global max pooling, dropout): nothing is requantized.
bool MovesValues(const arch::Layer& layer);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_GRID_GROUPS_H_

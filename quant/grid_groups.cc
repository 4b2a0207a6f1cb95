#include "quant/grid_groups.h"

#include <numeric>
#include <vector>

namespace frostnas::quant {
namespace {

// Root of `node`, halving the path on the way.
int Find(std::vector<int>& parent, int node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

}  // namespace

bool MovesValues(const arch::Layer& layer) {
  switch (layer.kind) {
    case arch::LayerKind::kConcat:
    case arch::LayerKind::kMaxPool:
    case arch::LayerKind::kDropout:
      return true;
    case arch::LayerKind::kGlobalPool:
      return layer.pool == v1::GLOBAL_POOL_MAX;
    default:
      return false;
  }
}

GridGroups::GridGroups(const arch::Graph& graph) {
  const int nodes = static_cast<int>(graph.layers.size()) + 1;
  std::vector<int> parent(nodes);
  std::iota(parent.begin(), parent.end(), 0);
  for (int i = 0; i + 1 < nodes; ++i) {
    if (!MovesValues(graph.layers[i])) continue;
    for (int input : graph.layers[i].inputs) {
      parent[Find(parent, input + 1)] = Find(parent, i + 1);
    }
  }
  std::vector<int> number(nodes, -1);
  group_.resize(nodes);
  for (int node = 0; node < nodes; ++node) {
    const int root = Find(parent, node);
    if (number[root] < 0) number[root] = num_groups_++;
    group_[node] = number[root];
  }
}

}  // namespace frostnas::quant

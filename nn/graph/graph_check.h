// Whether a graph is one nn can build: expanded graphs are, hand-made or
// damaged ones may not be.
#ifndef FROSTNAS_NN_GRAPH_CHECK_H_
#define FROSTNAS_NN_GRAPH_CHECK_H_

#include "absl/status/status.h"
#include "arch/graph.h"

namespace frostnas::nn {

// INVALID_ARGUMENT naming the layer and what is wrong: producers that do not
// exist, shapes that do not follow from them, options out of range.
absl::Status CheckTrainable(const arch::Graph& graph);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_GRAPH_CHECK_H_

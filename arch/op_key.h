// Layers as keys of a latency table, and back.
//
// A key says what decides an INT8 operator's time: kind, shapes, stride,
// activation. Keys from files or peers are checked. Thread-safe.
#ifndef FROSTNAS_ARCH_OP_KEY_H_
#define FROSTNAS_ARCH_OP_KEY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::arch {

// nullopt for a layer that costs nothing at run time (dropout). The kind is
// LayerKindName, but "global_max_pool" for a global maximum. A concat's
// in_channels are those of its first input.
std::optional<v1::OpKey> OpKeyOf(const Layer& layer);

// The layer that `op` stands for, named "op", with a batch norm where a
// convolution may have one; its inputs are the graph's. INVALID_ARGUMENT: an
// unknown kind or a field out of range, naming it.
absl::StatusOr<Layer> LayerOf(const v1::OpKey& op);

// One line that is equal for equal keys only, e.g.
// "conv size=16 in=24 out=72 kernel=1 stride=1 activation=2".
std::string OpKeyText(const v1::OpKey& op);

// Without repetition, in order of first use.
std::vector<v1::OpKey> DistinctOps(const Graph& graph);

// Every operator that some network of the space has; in order of first use.
std::vector<v1::OpKey> DistinctOps(const SearchSpace& space);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_OP_KEY_H_

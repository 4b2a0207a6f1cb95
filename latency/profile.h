// Profiling of single operators: what fills a latency table.
//
// An op is measured as a network of one layer, in groups that share rounds and
// reference runs (measure/measure.h), so an op sees several phases of the
// machine and its neighbours in the group push it out of the first-level
// cache, as other layers do in a network.
//
// A concatenation cannot stand alone, because its two inputs differ in shape:
// it is measured behind the 1x1 convolution that makes its first input, and
// counts as the difference to that convolution alone.
#ifndef FROSTNAS_LATENCY_PROFILE_H_
#define FROSTNAS_LATENCY_PROFILE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "latency/device.h"
#include "latency/measure/measure.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// The networks whose latency, one minus the other, is an op's.
struct OpNetworks {
  arch::Graph with;
  arch::Graph without;  // no layers: nothing to subtract
};

// INVALID_ARGUMENT: not an op, or one over 2^28 multiply-adds or 2^26 values
// (a table or peer could ask for anything).
absl::StatusOr<OpNetworks> NetworksOf(const v1::OpKey& op);

// Makes a network ready to run.
using MakeWork = std::function<absl::StatusOr<WorkCopies>(const arch::Graph&)>;
// Measures works together; measure.h's Measure, bound to a machine.
using MeasureWorks =
    std::function<absl::StatusOr<MeasureResult>(absl::Span<const WorkCopies>)>;

// Profiles `ops` in order, in groups of at most `group` >= 1 (CHECK), handing
// each to `done`. Errors of the functions are returned as they are, with the
// op's name.
absl::Status ProfileOps(absl::Span<const v1::OpKey> ops, int group,
                        const MakeWork& make_work, const MeasureWorks& measure,
                        const OpCallback& done);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PROFILE_H_

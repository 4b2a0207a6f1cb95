// How a skeleton's channels follow the width multiplier.
#ifndef FROSTNAS_ARCH_WIDTH_H_
#define FROSTNAS_ARCH_WIDTH_H_

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::arch {

// `block` with its output channels at `width` instead of 1, by the space's
// rule for the slot's role (WidthRule in space.proto). Blocks without output
// channels are returned as they are. INVALID_ARGUMENT: rule or role is missing
// or unknown. Thread-safe.
absl::StatusOr<v1::Block> ScaleBlock(v1::Block block, const v1::Space& space,
                                     v1::SlotRole role);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_WIDTH_H_

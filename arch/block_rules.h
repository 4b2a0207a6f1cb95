// Which field values a block may have (proto/frostnas/v1/architecture.proto).
//
// Looks at one block alone; whether it fits where it stands is for the graph.
// INVALID_ARGUMENT naming block, field, value and range. Thread-safe.
#ifndef FROSTNAS_ARCH_BLOCK_RULES_H_
#define FROSTNAS_ARCH_BLOCK_RULES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {

// Names of blocks and slots: [a-z0-9_]+, 1..32 characters.
bool IsBlockName(absl::string_view name);

// Every field but the name.
absl::Status CheckBlockFields(const v1::Block& block);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_BLOCK_RULES_H_

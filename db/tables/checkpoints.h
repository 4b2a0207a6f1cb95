// Checkpoints of searches, and the blobs that anything names.
#ifndef FROSTNAS_DB_TABLES_CHECKPOINTS_H_
#define FROSTNAS_DB_TABLES_CHECKPOINTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/records.h"
#include "db/tables/context.h"

namespace frostnas::db {

// INVALID_ARGUMENT: a blob's name is not a digest.
absl::Status SaveCheckpoint(WriteContext& context, int64_t study,
                            const Checkpoint& checkpoint);

absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(sqlite::Database& db,
                                                         int64_t study);

// As Store::ListReferencedBlobs.
absl::StatusOr<std::vector<std::string>> ReadReferencedBlobs(
    sqlite::Database& db);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_CHECKPOINTS_H_

// Trials, their measurements, and the front.
#ifndef FROSTNAS_DB_TABLES_TRIALS_H_
#define FROSTNAS_DB_TABLES_TRIALS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::db {

// The trial of this architecture, made when the study has none.
// INVALID_ARGUMENT: arch_sha256 is not a digest.
absl::StatusOr<v1::Trial> FindOrInsertTrial(WriteContext& context,
                                            int64_t study,
                                            const v1::Trial& given);

// Writes the trial and an event with it.
absl::Status SaveTrial(WriteContext& context, int64_t study,
                       const v1::Trial& trial);

// Keeps a measurement for the record and as the trial's newest on its device.
absl::Status RecordMeasurement(WriteContext& context, int64_t study, int trial,
                               const v1::Measurement& measurement);

// Exactly `ids` are on the front. NOT_FOUND: no such trial.
absl::Status SaveFront(WriteContext& context, int64_t study,
                       const std::vector<int>& ids);

absl::Status CancelWaitingTrials(WriteContext& context, int64_t study);

// NOT_FOUND.
absl::StatusOr<v1::Trial> ReadTrial(sqlite::Database& db, int64_t study,
                                    int id);
// INVALID_ARGUMENT.
absl::StatusOr<Page<v1::Trial>> ReadTrials(sqlite::Database& db, int64_t study,
                                           const PageRequest& page);
absl::StatusOr<std::vector<v1::Trial>> ReadFront(sqlite::Database& db,
                                                 int64_t study);
absl::StatusOr<std::vector<Objective>> ReadObjectives(
    sqlite::Database& db, int64_t study, absl::string_view device_id);
absl::StatusOr<std::vector<v1::Measurement>> ReadMeasurements(
    sqlite::Database& db, int64_t study, int trial);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_TRIALS_H_

// Events of studies.
#ifndef FROSTNAS_DB_TABLES_EVENTS_H_
#define FROSTNAS_DB_TABLES_EVENTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/study_service.pb.h"

namespace frostnas::db {

// Gives the event the study's next number and the present time.
absl::Status AppendEvent(WriteContext& context, int64_t study,
                         v1::StudyEvent event);
absl::Status AppendTrialEvent(WriteContext& context, int64_t study,
                              const v1::Trial& trial);
absl::Status AppendAttemptEvent(WriteContext& context, int64_t study,
                                const v1::Attempt& attempt);

absl::StatusOr<std::vector<v1::StudyEvent>> ReadEvents(sqlite::Database& db,
                                                       int64_t study,
                                                       uint64_t after,
                                                       int limit);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_EVENTS_H_

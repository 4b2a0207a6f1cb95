// Workers and their sessions.
#ifndef FROSTNAS_DB_TABLES_WORKERS_H_
#define FROSTNAS_DB_TABLES_WORKERS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/study_service.pb.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

// Writes a registration over the worker's earlier one. Whether that had another
// session, whose leases then have to end. ALREADY_EXISTS: the session is
// another worker's.
absl::StatusOr<bool> SaveWorker(WriteContext& context,
                                const v1::RegisterRequest& worker,
                                absl::string_view session);

// FAILED_PRECONDITION: no such session.
absl::StatusOr<v1::RegisterRequest> ReadWorker(sqlite::Database& db,
                                               absl::string_view session);

// Notes that the worker was heard of now; to the second, so that busy workers
// do not write each time.
absl::Status TouchWorker(WriteContext& context, absl::string_view worker_id);

// Whether a worker other than `worker_id`, heard of since then, takes the kind
// and has the device ("" for none needed).
absl::StatusOr<bool> AnotherCouldTake(WriteContext& context,
                                      absl::string_view worker_id,
                                      v1::TaskKind kind,
                                      absl::string_view device_id);

absl::StatusOr<std::vector<v1::WorkerStatus>> ReadWorkers(sqlite::Database& db,
                                                          int64_t since_ns);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_WORKERS_H_

// What happens to tasks as their attempts begin and end: the rows of tasks,
// attempts, trials and events change together here.
#ifndef FROSTNAS_DB_TABLES_LEASES_H_
#define FROSTNAS_DB_TABLES_LEASES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/task.pb.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

// As Store::LeaseTask.
absl::StatusOr<std::optional<v1::Lease>> Lease(WriteContext& context,
                                               absl::string_view session,
                                               absl::Duration duration);

// As Store::RenewLease.
absl::Status Renew(WriteContext& context, const LeaseRef& lease,
                   absl::Duration duration, double progress);

// As Store::CompleteTask, but nullopt when the completion was late: then it is
// recorded, and the caller commits before it gives the error.
absl::StatusOr<std::optional<CompletionResult>> Complete(
    WriteContext& context, const Completion& completion);

// As Store::ExpireLeases.
absl::StatusOr<std::vector<v1::Attempt>> Expire(WriteContext& context);

// As Store::RegisterWorker.
absl::Status Register(WriteContext& context, const v1::RegisterRequest& worker,
                      absl::string_view session);

// Cancels the open tasks of a trial, or of the whole study (`trial` 0).
absl::Status CancelTasks(WriteContext& context, int64_t study, int trial);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_LEASES_H_

// Attempts: leases of tasks and how they ended.
#ifndef FROSTNAS_DB_TABLES_ATTEMPTS_H_
#define FROSTNAS_DB_TABLES_ATTEMPTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/task.pb.h"

namespace frostnas::db {

struct AttemptRow {
  int64_t task = 0;  // seq
  AttemptRecord record;
  bool open() const {
    return record.attempt.outcome() == v1::ATTEMPT_OUTCOME_UNSPECIFIED;
  }
};

// A lease about to be given.
struct NewAttempt {
  int64_t task = 0;
  int number = 0;
  absl::string_view worker_id;
  absl::string_view session;
  int64_t expires_ns = 0;
};

// Returns the fencing token.
absl::StatusOr<int64_t> InsertAttempt(WriteContext& context,
                                      const NewAttempt& attempt);

// The attempt a lease names; nullopt: never given to that session.
absl::StatusOr<std::optional<AttemptRow>> FindAttempt(sqlite::Database& db,
                                                      const LeaseRef& lease);

absl::StatusOr<std::vector<AttemptRecord>> ReadAttempts(sqlite::Database& db,
                                                        int64_t task);

// Open attempts, in the order of their tokens.
absl::StatusOr<std::optional<AttemptRow>> FindOpenAttempt(sqlite::Database& db,
                                                          int64_t task);
absl::StatusOr<std::vector<AttemptRow>> FindExpiredAttempts(
    sqlite::Database& db, int64_t now_ns);
absl::StatusOr<std::vector<AttemptRow>> FindOpenAttemptsOf(
    sqlite::Database& db, absl::string_view worker_id);

absl::Status SetExpiry(WriteContext& context, uint64_t token,
                       int64_t expires_ns);

// Writes outcome, error, end and result as they are in `row`, the names of the
// result's blobs, and an event of the task's study.
absl::Status SaveEnd(WriteContext& context, int64_t study,
                     const AttemptRow& row);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_ATTEMPTS_H_

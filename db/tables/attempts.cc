#include "db/tables/attempts.h"

#include <utility>

#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/events.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kInsert[] =
    "INSERT INTO attempts (task, number, worker_id, session, started_ns, "
    "expires_ns) VALUES (?, ?, ?, ?, ?, ?)";
#define FROSTNAS_ATTEMPT_COLUMNS                                           \
  "SELECT token, task, number, worker_id, started_ns, ended_ns, outcome, " \
  "error, result FROM attempts "
constexpr char kByLease[] =
    FROSTNAS_ATTEMPT_COLUMNS "WHERE token = ? AND task = ? AND session = ?";
constexpr char kOfTask[] =
    FROSTNAS_ATTEMPT_COLUMNS "WHERE task = ? ORDER BY number";
constexpr char kOpenOfTask[] =
    FROSTNAS_ATTEMPT_COLUMNS "WHERE outcome = 0 AND task = ?";
constexpr char kOpenOfWorker[] = FROSTNAS_ATTEMPT_COLUMNS
    "WHERE outcome = 0 AND worker_id = ? ORDER BY token";
constexpr char kExpired[] = FROSTNAS_ATTEMPT_COLUMNS
    "WHERE outcome = 0 AND expires_ns <= ? ORDER BY token";
#undef FROSTNAS_ATTEMPT_COLUMNS
constexpr char kSetExpiry[] =
    "UPDATE attempts SET expires_ns = ? WHERE token = ?";
constexpr char kEnd[] =
    "UPDATE attempts SET outcome = ?, error = ?, ended_ns = ? WHERE token = ?";
constexpr char kSetResult[] = "UPDATE attempts SET result = ? WHERE token = ?";
constexpr char kAddBlob[] =
    "INSERT OR IGNORE INTO attempt_blobs (token, sha256) VALUES (?, ?)";

absl::StatusOr<AttemptRow> ParseRow(const Statement& row) {
  AttemptRow parsed;
  parsed.task = row.Int(1);
  parsed.record.fencing_token = row.Int(0);
  v1::Attempt& attempt = parsed.record.attempt;
  attempt.set_task_id(TaskId(parsed.task));
  attempt.set_number(static_cast<int>(row.Int(2)));
  attempt.set_worker_id(std::string(row.Text(3)));
  attempt.set_started_at_ns(row.Int(4));
  attempt.set_ended_at_ns(row.Int(5));
  attempt.set_outcome(static_cast<v1::AttemptOutcome>(row.Int(6)));
  attempt.set_error(std::string(row.Text(7)));
  if (!row.IsNull(8)) {
    ASSIGN_OR_RETURN(parsed.record.result,
                     ParseRecord<v1::TaskResult>(row.Bytes(8)));
  }
  return parsed;
}

absl::StatusOr<std::vector<AttemptRow>> ReadAll(
    absl::StatusOr<Statement> query) {
  ASSIGN_OR_RETURN(Statement rows, std::move(query));
  std::vector<AttemptRow> attempts;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(AttemptRow row, ParseRow(rows));
    attempts.push_back(std::move(row));
    return absl::OkStatus();
  }));
  return attempts;
}

absl::StatusOr<std::optional<AttemptRow>> ReadOne(
    absl::StatusOr<Statement> query) {
  ASSIGN_OR_RETURN(std::vector<AttemptRow> rows, ReadAll(std::move(query)));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

}  // namespace

absl::StatusOr<int64_t> InsertAttempt(WriteContext& context,
                                      const NewAttempt& attempt) {
  RETURN_IF_ERROR(context.db.Run(kInsert, attempt.task, attempt.number,
                                 attempt.worker_id, attempt.session,
                                 context.now_ns, attempt.expires_ns));
  return context.db.last_insert_id();
}

absl::StatusOr<std::optional<AttemptRow>> FindAttempt(Database& db,
                                                      const LeaseRef& lease) {
  const absl::StatusOr<int64_t> task = TaskSeq(lease.task_id);
  if (!task.ok()) return std::nullopt;
  return ReadOne(db.Query(kByLease, static_cast<int64_t>(lease.fencing_token),
                          *task, lease.session));
}

absl::StatusOr<std::vector<AttemptRecord>> ReadAttempts(Database& db,
                                                        int64_t task) {
  ASSIGN_OR_RETURN(std::vector<AttemptRow> rows,
                   ReadAll(db.Query(kOfTask, task)));
  std::vector<AttemptRecord> records;
  for (AttemptRow& row : rows) records.push_back(std::move(row.record));
  return records;
}

absl::StatusOr<std::optional<AttemptRow>> FindOpenAttempt(Database& db,
                                                          int64_t task) {
  return ReadOne(db.Query(kOpenOfTask, task));
}

absl::StatusOr<std::vector<AttemptRow>> FindExpiredAttempts(Database& db,
                                                            int64_t now_ns) {
  return ReadAll(db.Query(kExpired, now_ns));
}

absl::StatusOr<std::vector<AttemptRow>> FindOpenAttemptsOf(
    Database& db, absl::string_view worker_id) {
  return ReadAll(db.Query(kOpenOfWorker, worker_id));
}

absl::Status SetExpiry(WriteContext& context, uint64_t token,
                       int64_t expires_ns) {
  return context.db.Run(kSetExpiry, expires_ns, static_cast<int64_t>(token));
}

absl::Status SaveEnd(WriteContext& context, int64_t study,
                     const AttemptRow& row) {
  const v1::Attempt& attempt = row.record.attempt;
  const auto token = static_cast<int64_t>(row.record.fencing_token);
  RETURN_IF_ERROR(context.db.Run(kEnd, static_cast<int>(attempt.outcome()),
                                 attempt.error(), attempt.ended_at_ns(),
                                 token));
  if (row.record.result.has_value()) {
    RETURN_IF_ERROR(context.db.Run(
        kSetResult, Blob(row.record.result->SerializeAsString()), token));
    for (const std::string& blob : BlobsOf(*row.record.result)) {
      RETURN_IF_ERROR(context.db.Run(kAddBlob, token, blob));
    }
  }
  return AppendAttemptEvent(context, study, attempt);
}

}  // namespace frostnas::db

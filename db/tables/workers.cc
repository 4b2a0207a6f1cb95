#include "db/tables/workers.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/store.h"
#include "db/tables/attempts.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kSession[] = "SELECT session FROM workers WHERE worker_id = ?";
constexpr char kBySession[] =
    "SELECT worker_id, record FROM workers WHERE session = ?";
constexpr char kUpsert[] =
    "INSERT INTO workers (worker_id, session, last_heard_ns, record) "
    "VALUES (?, ?, ?, ?) ON CONFLICT (worker_id) DO UPDATE SET "
    "session = excluded.session, last_heard_ns = excluded.last_heard_ns, "
    "record = excluded.record";
constexpr char kClearRoles[] = "DELETE FROM worker_roles WHERE worker_id = ?";
constexpr char kClearDevices[] =
    "DELETE FROM worker_devices WHERE worker_id = ?";
constexpr char kAddRole[] =
    "INSERT OR IGNORE INTO worker_roles (worker_id, kind) VALUES (?, ?)";
constexpr char kAddDevice[] =
    "INSERT OR IGNORE INTO worker_devices (worker_id, device_id) "
    "VALUES (?, ?)";
constexpr char kTouch[] =
    "UPDATE workers SET last_heard_ns = ?2 "
    "WHERE worker_id = ?1 AND last_heard_ns + 1000000000 <= ?2";
constexpr char kAnother[] =
    "SELECT 1 FROM workers JOIN worker_roles USING (worker_id) "
    "WHERE worker_id <> ?1 AND last_heard_ns >= ?2 AND kind = ?3 "
    "AND (?4 = '' OR EXISTS (SELECT 1 FROM worker_devices "
    "WHERE worker_devices.worker_id = workers.worker_id "
    "AND device_id = ?4)) LIMIT 1";
constexpr char kSince[] =
    "SELECT last_heard_ns, record FROM workers WHERE last_heard_ns >= ? "
    "ORDER BY worker_id";

// The worker's session so far; empty: none.
absl::StatusOr<std::string> SessionOf(Database& db,
                                      absl::string_view worker_id) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kSession, worker_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::string(row.Text(0)) : std::string();
}

absl::Status CheckSessionFree(Database& db, absl::string_view session,
                              absl::string_view worker_id) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kBySession, session));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found || row.Text(0) == worker_id) return absl::OkStatus();
  return absl::AlreadyExistsError("session: in use by another worker");
}

absl::Status SaveAbilities(Database& db, const v1::RegisterRequest& worker) {
  const std::string& id = worker.worker_id();
  RETURN_IF_ERROR(db.Run(kClearRoles, id));
  RETURN_IF_ERROR(db.Run(kClearDevices, id));
  for (const int role : worker.roles()) {
    RETURN_IF_ERROR(db.Run(kAddRole, id, role));
  }
  for (const v1::Device& device : worker.devices()) {
    RETURN_IF_ERROR(db.Run(kAddDevice, id, device.id()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::WorkerStatus> MakeStatus(Database& db,
                                            const Statement& row) {
  ASSIGN_OR_RETURN(const auto worker,
                   ParseRecord<v1::RegisterRequest>(row.Bytes(1)));
  v1::WorkerStatus status;
  status.set_worker_id(worker.worker_id());
  *status.mutable_roles() = worker.roles();
  for (const v1::Device& device : worker.devices()) {
    status.add_devices(device.id());
  }
  status.set_last_heard_at_ns(row.Int(0));
  ASSIGN_OR_RETURN(const auto attempts,
                   FindOpenAttemptsOf(db, worker.worker_id()));
  for (const AttemptRow& attempt : attempts) {
    status.add_task_ids(attempt.record.attempt.task_id());
  }
  return status;
}

}  // namespace

absl::StatusOr<bool> SaveWorker(WriteContext& context,
                                const v1::RegisterRequest& worker,
                                absl::string_view session) {
  const std::string& id = worker.worker_id();
  RETURN_IF_ERROR(CheckSessionFree(context.db, session, id));
  ASSIGN_OR_RETURN(const std::string before, SessionOf(context.db, id));
  RETURN_IF_ERROR(context.db.Run(kUpsert, id, session, context.now_ns,
                                 Blob(worker.SerializeAsString())));
  RETURN_IF_ERROR(SaveAbilities(context.db, worker));
  return !before.empty() && before != session;
}

absl::StatusOr<v1::RegisterRequest> ReadWorker(Database& db,
                                               absl::string_view session) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kBySession, session));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return SessionReplaced();
  return ParseRecord<v1::RegisterRequest>(row.Bytes(1));
}

absl::Status TouchWorker(WriteContext& context, absl::string_view worker_id) {
  return context.db.Run(kTouch, worker_id, context.now_ns);
}

absl::StatusOr<bool> AnotherCouldTake(WriteContext& context,
                                      absl::string_view worker_id,
                                      v1::TaskKind kind,
                                      absl::string_view device_id) {
  const int64_t since =
      context.now_ns - absl::ToInt64Nanoseconds(Store::WorkerTimeout());
  ASSIGN_OR_RETURN(const int64_t found,
                   context.db.QueryInt(0, kAnother, worker_id, since,
                                       static_cast<int>(kind), device_id));
  return found != 0;
}

absl::StatusOr<std::vector<v1::WorkerStatus>> ReadWorkers(Database& db,
                                                          int64_t since_ns) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kSince, since_ns));
  std::vector<v1::WorkerStatus> workers;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(v1::WorkerStatus status, MakeStatus(db, rows));
    workers.push_back(std::move(status));
    return absl::OkStatus();
  }));
  return workers;
}

}  // namespace frostnas::db

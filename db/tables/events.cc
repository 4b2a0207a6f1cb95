#include "db/tables/events.h"

#include <algorithm>
#include <limits>

#include "base/status_macros.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kNextSequence[] =
    "UPDATE studies SET last_event = last_event + 1 WHERE seq = ? "
    "RETURNING last_event";
constexpr char kInsert[] =
    "INSERT INTO events (study, sequence, record) VALUES (?, ?, ?)";
constexpr char kSelect[] =
    "SELECT sequence, record FROM events WHERE study = ? AND sequence > ? "
    "ORDER BY sequence LIMIT ?";

absl::StatusOr<int64_t> NextSequence(Database& db, int64_t study) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kNextSequence, study));
  RETURN_IF_ERROR(row.Step().status());
  const int64_t sequence = row.Int(0);
  RETURN_IF_ERROR(row.Finish());
  return sequence;
}

}  // namespace

absl::Status AppendEvent(WriteContext& context, int64_t study,
                         v1::StudyEvent event) {
  ASSIGN_OR_RETURN(const int64_t sequence, NextSequence(context.db, study));
  event.clear_sequence();
  event.clear_study_id();
  event.set_at_ns(context.now_ns);
  context.events_changed = true;
  return context.db.Run(kInsert, study, sequence,
                        Blob(event.SerializeAsString()));
}

absl::Status AppendTrialEvent(WriteContext& context, int64_t study,
                              const v1::Trial& trial) {
  v1::StudyEvent event;
  *event.mutable_trial() = trial;
  return AppendEvent(context, study, std::move(event));
}

absl::Status AppendAttemptEvent(WriteContext& context, int64_t study,
                                const v1::Attempt& attempt) {
  v1::StudyEvent event;
  *event.mutable_attempt() = attempt;
  return AppendEvent(context, study, std::move(event));
}

absl::StatusOr<std::vector<v1::StudyEvent>> ReadEvents(Database& db,
                                                       int64_t study,
                                                       uint64_t after,
                                                       int limit) {
  constexpr uint64_t kLast = std::numeric_limits<int64_t>::max();
  const auto cursor = static_cast<int64_t>(std::min(after, kLast));
  ASSIGN_OR_RETURN(Statement rows, db.Query(kSelect, study, cursor, limit));
  std::vector<v1::StudyEvent> events;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(auto event, ParseRecord<v1::StudyEvent>(rows.Bytes(1)));
    event.set_sequence(rows.Int(0));
    event.set_study_id(StudyId(study));
    events.push_back(std::move(event));
    return absl::OkStatus();
  }));
  return events;
}

}  // namespace frostnas::db

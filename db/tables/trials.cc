#include "db/tables/trials.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/events.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kByArchitecture[] =
    "SELECT record FROM trials WHERE study = ? AND arch_sha256 = ?";
constexpr char kLastId[] =
    "SELECT coalesce(max(id), 0) FROM trials WHERE study = ?";
constexpr char kInsert[] =
    "INSERT INTO trials (study, id, arch_sha256, state, on_front, int8_top1, "
    "weights_sha256, package_sha256, record) VALUES (?, ?, ?, 0, 0, 0, '', '', "
    "x'')";
constexpr char kUpdate[] =
    "UPDATE trials SET state = ?, on_front = ?, int8_top1 = ?, "
    "weights_sha256 = ?, package_sha256 = ?, record = ? "
    "WHERE study = ? AND id = ?";
constexpr char kSelect[] =
    "SELECT record FROM trials WHERE study = ? AND id = ?";
constexpr char kPage[] =
    "SELECT record FROM trials WHERE study = ? AND id > ? "
    "ORDER BY id LIMIT ?";
constexpr char kFront[] =
    "SELECT record FROM trials WHERE study = ? AND on_front = 1 ORDER BY id";
constexpr char kInState[] =
    "SELECT record FROM trials WHERE study = ? AND state = ? ORDER BY id";
constexpr char kObjectives[] =
    "SELECT trials.id, trials.int8_top1, trial_latencies.median_ns "
    "FROM trial_latencies CROSS JOIN trials INDEXED BY trials_objective "
    "ON trials.study = trial_latencies.study "
    "AND trials.id = trial_latencies.trial "
    "WHERE trial_latencies.study = ? AND trial_latencies.device_id = ? "
    "AND trials.state = ? ORDER BY trial_latencies.trial";
constexpr char kInsertMeasurement[] =
    "INSERT INTO measurements (study, trial, device_id, record) "
    "VALUES (?, ?, ?, ?)";
constexpr char kSetLatency[] =
    "INSERT OR REPLACE INTO trial_latencies "
    "(study, device_id, trial, median_ns) VALUES (?, ?, ?, ?)";
constexpr char kMeasurements[] =
    "SELECT record FROM measurements WHERE study = ? AND trial = ? "
    "ORDER BY seq";

// All records that `rows` gives in column 0.
template <typename Message>
absl::StatusOr<std::vector<Message>> ReadAll(Statement rows) {
  std::vector<Message> messages;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(Message message, ParseRecord<Message>(rows.Bytes(0)));
    messages.push_back(std::move(message));
    return absl::OkStatus();
  }));
  return messages;
}

absl::StatusOr<std::vector<v1::Trial>> ReadInState(Database& db, int64_t study,
                                                   v1::TrialState state) {
  ASSIGN_OR_RETURN(Statement rows,
                   db.Query(kInState, study, static_cast<int>(state)));
  return ReadAll<v1::Trial>(std::move(rows));
}

}  // namespace

absl::StatusOr<v1::Trial> FindOrInsertTrial(WriteContext& context,
                                            int64_t study,
                                            const v1::Trial& given) {
  if (!IsSha256Hex(given.arch_sha256())) {
    return absl::InvalidArgumentError(
        "trial.arch_sha256: must be 64 lower-case hexadecimal digits");
  }
  ASSIGN_OR_RETURN(Statement found, context.db.Query(kByArchitecture, study,
                                                     given.arch_sha256()));
  ASSIGN_OR_RETURN(const bool exists, found.Step());
  if (exists) return ParseRecord<v1::Trial>(found.Bytes(0));
  ASSIGN_OR_RETURN(const int64_t last, context.db.QueryInt(0, kLastId, study));
  v1::Trial trial =
      MakeTrial(given, StudyId(study), static_cast<int>(last) + 1);
  RETURN_IF_ERROR(
      context.db.Run(kInsert, study, trial.id(), trial.arch_sha256()));
  RETURN_IF_ERROR(SaveTrial(context, study, trial));
  return trial;
}

absl::Status SaveTrial(WriteContext& context, int64_t study,
                       const v1::Trial& trial) {
  RETURN_IF_ERROR(context.db.Run(
      kUpdate, static_cast<int>(trial.state()), int{trial.on_front()},
      trial.int8_top1(), trial.weights_sha256(), trial.package_sha256(),
      Blob(trial.SerializeAsString()), study, trial.id()));
  return AppendTrialEvent(context, study, trial);
}

absl::Status RecordMeasurement(WriteContext& context, int64_t study, int trial,
                               const v1::Measurement& measurement) {
  RETURN_IF_ERROR(context.db.Run(kInsertMeasurement, study, trial,
                                 measurement.device_id(),
                                 Blob(measurement.SerializeAsString())));
  return context.db.Run(kSetLatency, study, measurement.device_id(), trial,
                        measurement.median_ns());
}

absl::Status SaveFront(WriteContext& context, int64_t study,
                       const std::vector<int>& ids) {
  absl::flat_hash_set<int> joining(ids.begin(), ids.end());
  ASSIGN_OR_RETURN(std::vector<v1::Trial> front, ReadFront(context.db, study));
  for (v1::Trial& trial : front) {
    if (joining.erase(trial.id()) > 0) continue;
    trial.set_on_front(false);
    RETURN_IF_ERROR(SaveTrial(context, study, trial));
  }
  for (const int id : ids) {
    if (joining.erase(id) == 0) continue;
    ASSIGN_OR_RETURN(v1::Trial trial, ReadTrial(context.db, study, id));
    trial.set_on_front(true);
    RETURN_IF_ERROR(SaveTrial(context, study, trial));
  }
  return absl::OkStatus();
}

absl::Status CancelWaitingTrials(WriteContext& context, int64_t study) {
  ASSIGN_OR_RETURN(std::vector<v1::Trial> waiting,
                   ReadInState(context.db, study, v1::TRIAL_STATE_WAITING));
  for (v1::Trial& trial : waiting) {
    trial.set_state(v1::TRIAL_STATE_CANCELLED);
    RETURN_IF_ERROR(SaveTrial(context, study, trial));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Trial> ReadTrial(Database& db, int64_t study, int id) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kSelect, study, id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return NoSuchTrial(StudyId(study), id);
  return ParseRecord<v1::Trial>(row.Bytes(0));
}

absl::StatusOr<Page<v1::Trial>> ReadTrials(Database& db, int64_t study,
                                           const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t after, ReadPage("trials", page, 0));
  // One more than asked for tells whether there is a next page.
  ASSIGN_OR_RETURN(Statement rows,
                   db.Query(kPage, study, after, page.size + 1));
  Page<v1::Trial> trials;
  ASSIGN_OR_RETURN(trials.items, ReadAll<v1::Trial>(std::move(rows)));
  if (trials.items.size() > static_cast<size_t>(page.size)) {
    trials.items.pop_back();
    trials.next_token = PageToken("trials", trials.items.back().id());
  }
  return trials;
}

absl::StatusOr<std::vector<v1::Trial>> ReadFront(Database& db, int64_t study) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kFront, study));
  return ReadAll<v1::Trial>(std::move(rows));
}

absl::StatusOr<std::vector<Objective>> ReadObjectives(
    Database& db, int64_t study, absl::string_view device_id) {
  ASSIGN_OR_RETURN(Statement rows,
                   db.Query(kObjectives, study, device_id,
                            static_cast<int>(v1::TRIAL_STATE_MEASURED)));
  std::vector<Objective> objectives;
  RETURN_IF_ERROR(ForEachRow(rows, [&] {
    objectives.push_back(
        {static_cast<int>(rows.Int(0)), rows.Real(1), rows.Int(2)});
    return absl::OkStatus();
  }));
  return objectives;
}

absl::StatusOr<std::vector<v1::Measurement>> ReadMeasurements(Database& db,
                                                              int64_t study,
                                                              int trial) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kMeasurements, study, trial));
  return ReadAll<v1::Measurement>(std::move(rows));
}

}  // namespace frostnas::db

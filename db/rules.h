// What every Store decides alike: ids, checks of arguments, and how a result
// changes a trial. Pure functions, safe on any thread.
//
// Checks give INVALID_ARGUMENT naming the field unless said otherwise.
#ifndef FROSTNAS_DB_RULES_H_
#define FROSTNAS_DB_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "db/records.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

// --- Ids and digests ---------------------------------------------------------

// "st-0000002a" for 42, and back. NOT_FOUND: not an id a store gives.
std::string StudyId(int64_t seq);
absl::StatusOr<int64_t> StudySeq(absl::string_view study_id);
std::string TaskId(int64_t seq);
absl::StatusOr<int64_t> TaskSeq(absl::string_view task_id);

absl::Status NoSuchTrial(absl::string_view study_id, int trial_id);

// SHA-256 (hex) of the message's canonical bytes.
std::string SpecDigest(const v1::StudySpec& spec);
std::string OpDigest(const v1::OpKey& op);

// A page's token is its list's name and the last key on it: "trials:120".
std::string PageToken(absl::string_view list, int64_t last_key);
// The key in a token, or `first` for an empty one. Checks the size too.
absl::StatusOr<int64_t> ReadPage(absl::string_view list,
                                 const PageRequest& page, int64_t first);

// --- Studies and trials ------------------------------------------------------

absl::Status CheckRequestId(absl::string_view request_id);

bool HasEnded(v1::StudyState state);

// Whether a study in `state` takes the step. FAILED_PRECONDITION.
absl::Status CheckStep(const v1::Study& study, bool cancel_requested,
                       const StudyStep& step);

// Applies an update; returns whether it says anything.
bool ApplyStudyUpdate(const StudyUpdate& update, int64_t now_ns,
                      v1::Study* study);

// A new trial with the fields that StudyStep::new_trials lets through.
v1::Trial MakeTrial(const v1::Trial& given, absl::string_view study_id, int id);

void ApplyAccuracy(const v1::AccuracyResult& result, v1::Trial* trial);
// Replaces the measurement of the same device, or adds one.
void ApplyMeasurement(const v1::Measurement& measurement, v1::Trial* trial);
void ApplyTrialUpdate(const TrialUpdate& update, v1::Trial* trial);
// Makes a WAITING trial MEASURED when it has INT8 accuracy and a latency on
// each of `devices`.
void SettleTrial(const v1::StudySpec& spec, v1::Trial* trial);
// Whether the trial wants no more work.
bool IsGivenUp(v1::TrialState state);

// --- Tasks -------------------------------------------------------------------

v1::TaskKind KindOf(const v1::Task& task);
// Empty: the task needs no device.
const std::string& DeviceOf(const v1::Task& task);
// The blob a task starts from; empty: none.
const std::string& InputOf(const v1::Task& task);
// Blobs a result names.
std::vector<std::string> BlobsOf(const v1::TaskResult& result);

// 0..1, not NaN.
absl::Status CheckFraction(absl::string_view field, double value);
absl::Status CheckDuration(absl::Duration duration);
absl::Status CheckNewTask(const NewTask& given);
absl::Status CheckWorker(const v1::RegisterRequest& worker,
                         absl::string_view session);
absl::Status CheckCompletion(const v1::Task& task,
                             const Completion& completion);
absl::Status CheckLatencyTable(const v1::LatencyTable& table);
absl::Status CheckCheckpoint(const Checkpoint& checkpoint);

// The first 4096 bytes, cut between characters.
std::string CutError(absl::string_view error);

// "attempt 2 by phone-3: TIMEOUT: adb did not answer".
std::string DescribeAttempt(const v1::Attempt& attempt);

// A profile result as a latency table; `work` is what was asked for.
v1::LatencyTable TableOf(const v1::ProfileOpsWork& work,
                         const v1::ProfileOpsResult& result);

// Takes over everything of `newer` but its operators.
void MergeTableHeader(const v1::LatencyTable& newer, v1::LatencyTable* table);
// NOT_FOUND.
absl::Status NoSuchTable(const TableKey& key);

// FAILED_PRECONDITIONs that more than one method gives.
absl::Status SessionReplaced();
absl::Status LeaseOver(absl::string_view task_id);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_RULES_H_

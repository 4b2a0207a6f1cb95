#include "db/rules.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/sha256.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace frostnas::db {
namespace {

constexpr size_t kMaxIdBytes = 64;
constexpr int kMaxPageSize = 1000;
constexpr int kUnknownTop1 = -1;

absl::Status Invalid(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

std::string MakeId(absl::string_view prefix, int64_t seq) {
  return absl::StrFormat("%s%08x", prefix, seq);
}

absl::StatusOr<int64_t> ParseId(absl::string_view prefix,
                                absl::string_view what, absl::string_view id) {
  absl::string_view digits = id;
  uint64_t seq = 0;
  if (absl::ConsumePrefix(&digits, prefix) && digits.size() <= 15 &&
      absl::SimpleHexAtoi(digits, &seq) &&
      id == MakeId(prefix, static_cast<int64_t>(seq))) {
    return static_cast<int64_t>(seq);
  }
  return absl::NotFoundError(absl::StrCat("no ", what, " ", id.substr(0, 80)));
}

// Serialization with map entries sorted: equal messages give equal bytes.
std::string CanonicalBytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

}  // namespace

std::string StudyId(int64_t seq) { return MakeId("st-", seq); }

absl::StatusOr<int64_t> StudySeq(absl::string_view study_id) {
  return ParseId("st-", "study", study_id);
}

std::string TaskId(int64_t seq) { return MakeId("tk-", seq); }

absl::StatusOr<int64_t> TaskSeq(absl::string_view task_id) {
  return ParseId("tk-", "task", task_id);
}

absl::Status NoSuchTrial(absl::string_view study_id, int trial_id) {
  return absl::NotFoundError(
      absl::StrCat("no trial ", trial_id, " in study ", study_id));
}

std::string SpecDigest(const v1::StudySpec& spec) {
  return Sha256Hex(CanonicalBytes(spec));
}

std::string OpDigest(const v1::OpKey& op) {
  return Sha256Hex(CanonicalBytes(op));
}

std::string PageToken(absl::string_view list, int64_t last_key) {
  return absl::StrCat(list, ":", last_key);
}

absl::StatusOr<int64_t> ReadPage(absl::string_view list,
                                 const PageRequest& page, int64_t first) {
  if (page.size < 1 || page.size > kMaxPageSize) {
    return Invalid("page_size", absl::StrCat("must be 1..", kMaxPageSize,
                                             ", is ", page.size));
  }
  if (page.token.empty()) return first;
  absl::string_view key = page.token;
  int64_t last = 0;
  if (absl::ConsumePrefix(&key, list) && absl::ConsumePrefix(&key, ":") &&
      absl::SimpleAtoi(key, &last)) {
    return last;
  }
  return Invalid("page_token",
                 "not from this list; leave it empty for the first page");
}

absl::Status CheckRequestId(absl::string_view request_id) {
  if (!request_id.empty() && request_id.size() <= kMaxIdBytes) {
    return absl::OkStatus();
  }
  return Invalid("request_id",
                 absl::StrCat("must have 1..", kMaxIdBytes, " characters, has ",
                              request_id.size()));
}

bool HasEnded(v1::StudyState state) {
  return state == v1::STUDY_STATE_SUCCEEDED ||
         state == v1::STUDY_STATE_FAILED || state == v1::STUDY_STATE_CANCELLED;
}

absl::Status CheckStep(const v1::Study& study, bool cancel_requested,
                       const StudyStep& step) {
  const bool resumes = study.state() == v1::STUDY_STATE_FAILED &&
                       step.update.state == v1::STUDY_STATE_RUNNING;
  if (HasEnded(study.state()) && !resumes) {
    return absl::FailedPreconditionError(
        absl::StrCat("study ", study.id(), " has ended (",
                     v1::StudyState_Name(study.state()), ")"));
  }
  if (cancel_requested && !step.new_tasks.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("study ", study.id(), " is being cancelled"));
  }
  return CheckFraction("progress", step.update.progress.value_or(0));
}

bool ApplyStudyUpdate(const StudyUpdate& update, int64_t now_ns,
                      v1::Study* study) {
  if (update.state.has_value()) {
    study->set_state(*update.state);
    study->set_ended_at_ns(HasEnded(*update.state) ? now_ns : 0);
    if (!HasEnded(*update.state)) study->clear_error();
  }
  if (update.error.has_value()) study->set_error(CutError(*update.error));
  if (update.phase.has_value()) study->set_phase(*update.phase);
  if (update.progress.has_value()) study->set_progress(*update.progress);
  if (update.dataset.has_value()) *study->mutable_dataset() = *update.dataset;
  if (update.hypervolume.has_value()) {
    study->set_hypervolume(*update.hypervolume);
  }
  return update.state.has_value() || update.error.has_value() ||
         update.phase.has_value() || update.progress.has_value() ||
         update.dataset.has_value() || update.hypervolume.has_value();
}

v1::Trial MakeTrial(const v1::Trial& given, absl::string_view study_id,
                    int id) {
  v1::Trial trial = given;
  trial.set_id(id);
  trial.set_study_id(std::string(study_id));
  trial.set_state(v1::TRIAL_STATE_WAITING);
  trial.clear_error();
  trial.set_float_top1(kUnknownTop1);
  trial.set_fake_quant_top1(kUnknownTop1);
  trial.set_int8_top1(kUnknownTop1);
  trial.clear_latency();
  trial.set_on_front(false);
  trial.clear_int8_runtime();
  trial.clear_trained_epochs();
  return trial;
}

void ApplyAccuracy(const v1::AccuracyResult& result, v1::Trial* trial) {
  trial->set_float_top1(result.float_top1());
  trial->set_fake_quant_top1(result.fake_quant_top1());
  trial->set_int8_top1(result.int8_top1());
  trial->set_weights_sha256(result.weights_sha256());
  trial->set_package_sha256(result.package_sha256());
  trial->set_package_bytes(result.package_bytes());
  trial->set_int8_runtime(result.int8_runtime());
  trial->set_trained_epochs(trial->trained_epochs() + result.epoch_loss_size());
}

void ApplyMeasurement(const v1::Measurement& measurement, v1::Trial* trial) {
  for (v1::Measurement& old : *trial->mutable_latency()) {
    if (old.device_id() != measurement.device_id()) continue;
    old = measurement;
    return;
  }
  *trial->add_latency() = measurement;
}

void ApplyTrialUpdate(const TrialUpdate& update, v1::Trial* trial) {
  if (update.accuracy.has_value()) ApplyAccuracy(*update.accuracy, trial);
  for (const v1::Measurement& measurement : update.latency) {
    ApplyMeasurement(measurement, trial);
  }
  if (update.state.has_value()) trial->set_state(*update.state);
  if (update.error.has_value()) trial->set_error(CutError(*update.error));
}

void SettleTrial(const v1::StudySpec& spec, v1::Trial* trial) {
  if (trial->state() != v1::TRIAL_STATE_WAITING || trial->int8_top1() < 0) {
    return;
  }
  for (const std::string& device : spec.devices()) {
    bool measured = false;
    for (const v1::Measurement& latency : trial->latency()) {
      measured = measured || latency.device_id() == device;
    }
    if (!measured) return;
  }
  trial->set_state(v1::TRIAL_STATE_MEASURED);
}

bool IsGivenUp(v1::TrialState state) {
  return state == v1::TRIAL_STATE_INFEASIBLE ||
         state == v1::TRIAL_STATE_CANCELLED;
}

std::string CutError(absl::string_view error) {
  constexpr size_t kMaxErrorBytes = 4096;
  size_t end = error.size();
  if (end > kMaxErrorBytes) {
    end = kMaxErrorBytes;
    // Not inside a UTF-8 sequence, whose later bytes are 10xxxxxx.
    while (end > 0 && (error[end] & 0xc0) == 0x80) --end;
  }
  return std::string(error.substr(0, end));
}

std::string DescribeAttempt(const v1::Attempt& attempt) {
  absl::string_view outcome = v1::AttemptOutcome_Name(attempt.outcome());
  absl::ConsumePrefix(&outcome, "ATTEMPT_OUTCOME_");
  return absl::StrCat("attempt ", attempt.number(), " by ", attempt.worker_id(),
                      ": ", outcome, attempt.error().empty() ? "" : ": ",
                      attempt.error());
}

absl::Status SessionReplaced() {
  return absl::FailedPreconditionError(
      "session: unknown or replaced by a newer one; register again");
}

absl::Status LeaseOver(absl::string_view task_id) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the lease of task ", task_id.substr(0, 80), " is over; stop the work"));
}

}  // namespace frostnas::db

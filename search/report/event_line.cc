#include "search/report/event_line.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace frostnas::search {
namespace {

// "STUDY_STATE_RUNNING" without its first `prefix` characters, in small
// letters. A newer controller may have values that have no name here.
std::string Short(const std::string& name, size_t prefix) {
  if (name.size() <= prefix) return "of a newer controller";
  return absl::AsciiStrToLower(name.substr(prefix));
}

// Errors have several lines, and texts from elsewhere may move a terminal's
// cursor.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return text;
}

std::string StudyLine(const v1::Study& study) {
  std::string line = absl::StrCat(
      "study ",
      Short(v1::StudyState_Name(study.state()), sizeof("STUDY_STATE_") - 1));
  if (!study.phase().empty()) {
    absl::StrAppendFormat(&line, ", %s, %.0f %%", study.phase(),
                          study.progress() * 100);
  }
  if (!study.error().empty()) absl::StrAppend(&line, ": ", study.error());
  return line;
}

std::string TrialLine(const v1::Trial& trial) {
  std::string line = absl::StrFormat(
      "trial %d %s (%s)", trial.id(),
      Short(v1::TrialState_Name(trial.state()), sizeof("TRIAL_STATE_") - 1),
      trial.origin());
  if (trial.int8_top1() >= 0 && !trial.package_sha256().empty()) {
    absl::StrAppendFormat(&line, ", INT8 %.2f %%", trial.int8_top1() * 100);
  }
  for (const v1::Measurement& latency : trial.latency()) {
    absl::StrAppendFormat(&line, ", %s %.3f ms", latency.device_id(),
                          latency.median_ns() * 1e-6);
  }
  if (!trial.error().empty()) absl::StrAppend(&line, ": ", trial.error());
  return line;
}

std::string AttemptLine(const v1::Attempt& attempt) {
  std::string line =
      absl::StrFormat("attempt %d of %s by %s: %s", attempt.number(),
                      attempt.task_id(), attempt.worker_id(),
                      Short(v1::AttemptOutcome_Name(attempt.outcome()),
                            sizeof("ATTEMPT_OUTCOME_") - 1));
  if (!attempt.error().empty()) absl::StrAppend(&line, ": ", attempt.error());
  return line;
}

std::string EpochLine(const v1::SearchEpoch& epoch) {
  return absl::StrFormat(
      "epoch %d (%s): loss %.4f, validation %.2f %%, expected %.3f ms, "
      "entropy %.2f, %.1f s",
      epoch.epoch(), epoch.phase(), epoch.train_loss(), epoch.val_top1() * 100,
      epoch.expected_latency_ns() * 1e-6, epoch.entropy(), epoch.seconds());
}

std::string Text(const v1::StudyEvent& event) {
  switch (event.event_case()) {
    case v1::StudyEvent::kStudy:
      return StudyLine(event.study());
    case v1::StudyEvent::kTrial:
      return TrialLine(event.trial());
    case v1::StudyEvent::kAttempt:
      return AttemptLine(event.attempt());
    case v1::StudyEvent::kEpoch:
      return EpochLine(event.epoch());
    case v1::StudyEvent::EVENT_NOT_SET:
      break;
  }
  return "event of a newer controller";
}

}  // namespace

std::string EventLine(const v1::StudyEvent& event) {
  return absl::StrCat(
      absl::FormatTime("%H:%M:%S", absl::FromUnixNanos(event.at_ns()),
                       absl::LocalTimeZone()),
      " ", OneLine(Text(event)));
}

}  // namespace frostnas::search

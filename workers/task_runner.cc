#include "workers/task_runner.h"

#include "latency/device.h"

namespace frostnas::workers {

v1::AttemptOutcome OutcomeOf(const absl::Status& status) {
  if (latency::IsTooHot(status)) return v1::ATTEMPT_OUTCOME_THERMAL_REJECT;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return v1::ATTEMPT_OUTCOME_OK;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
      return v1::ATTEMPT_OUTCOME_USER_ERROR;
    case absl::StatusCode::kDeadlineExceeded:
      return v1::ATTEMPT_OUTCOME_TIMEOUT;
    default:
      return v1::ATTEMPT_OUTCOME_INFRA_ERROR;
  }
}

}  // namespace frostnas::workers

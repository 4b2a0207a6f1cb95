// The rules about tasks, results, workers and latency tables.

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

constexpr int kMaxAttempts = 100;
constexpr size_t kMaxKeyBytes = 200;
constexpr int kMaxRoles = 16;
constexpr int kMaxDevices = 256;

const std::string& NoText() {
  static const auto& text = *new std::string;
  return text;
}

absl::Status Invalid(absl::string_view field, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status CheckBlobName(absl::string_view field, const std::string& name) {
  if (IsSha256Hex(name)) return absl::OkStatus();
  return Invalid(field, "must be 64 lower-case hexadecimal digits");
}

absl::Status CheckAccuracy(const v1::AccuracyResult& result) {
  RETURN_IF_ERROR(
      CheckFraction("result.accuracy.float_top1", result.float_top1()));
  RETURN_IF_ERROR(CheckFraction("result.accuracy.fake_quant_top1",
                                result.fake_quant_top1()));
  RETURN_IF_ERROR(
      CheckFraction("result.accuracy.int8_top1", result.int8_top1()));
  RETURN_IF_ERROR(
      CheckBlobName("result.accuracy.weights_sha256", result.weights_sha256()));
  RETURN_IF_ERROR(
      CheckBlobName("result.accuracy.package_sha256", result.package_sha256()));
  if (result.package_bytes() > 0) return absl::OkStatus();
  return Invalid("result.accuracy.package_bytes", "must be positive");
}

absl::Status CheckDevice(const std::string& asked, const v1::Device& device) {
  if (device.id() != asked) {
    return Invalid("result.device.id",
                   absl::StrCat("is ", device.id(), ", asked for ", asked));
  }
  if (device.fingerprint().empty()) {
    return Invalid("result.device.fingerprint", "is empty");
  }
  return absl::OkStatus();
}

absl::Status CheckLatency(const v1::LatencyWork& work,
                          const v1::LatencyResult& result) {
  RETURN_IF_ERROR(CheckDevice(work.device_id(), result.device()));
  const v1::Measurement& measurement = result.measurement();
  if (measurement.device_id() != work.device_id()) {
    return Invalid("result.latency.measurement.device_id",
                   absl::StrCat("is ", measurement.device_id(), ", asked for ",
                                work.device_id()));
  }
  if (measurement.median_ns() <= 0 ||
      measurement.p90_ns() < measurement.median_ns()) {
    return Invalid("result.latency.measurement",
                   "needs 0 < median_ns <= p90_ns");
  }
  return absl::OkStatus();
}

absl::Status CheckProfile(const v1::ProfileOpsWork& work,
                          const v1::ProfileOpsResult& result) {
  RETURN_IF_ERROR(CheckDevice(work.device_id(), result.device()));
  if (result.ops_size() != work.ops_size()) {
    return Invalid("result.profile_ops.ops",
                   absl::StrCat("has ", result.ops_size(), ", asked for ",
                                work.ops_size()));
  }
  for (int i = 0; i < work.ops_size(); ++i) {
    if (OpDigest(result.ops(i).op()) == OpDigest(work.ops(i))) continue;
    return Invalid(absl::StrCat("result.profile_ops.ops[", i, "].op"),
                   "is not the operator asked for");
  }
  return CheckLatencyTable(TableOf(work, result));
}

absl::Status CheckResult(const v1::Task& task, const v1::TaskResult& result) {
  switch (KindOf(task)) {
    case v1::TASK_KIND_ACCURACY:
      if (result.has_accuracy()) return CheckAccuracy(result.accuracy());
      break;
    case v1::TASK_KIND_LATENCY:
      if (result.has_latency()) {
        return CheckLatency(task.latency(), result.latency());
      }
      break;
    case v1::TASK_KIND_PROFILE_OPS:
      if (result.has_profile_ops()) {
        return CheckProfile(task.profile_ops(), result.profile_ops());
      }
      break;
    default:
      break;
  }
  return Invalid("result", absl::StrCat("is not of the task's kind ",
                                        v1::TaskKind_Name(KindOf(task))));
}

}  // namespace

v1::TaskKind KindOf(const v1::Task& task) {
  switch (task.work_case()) {
    case v1::Task::kProfileOps:
      return v1::TASK_KIND_PROFILE_OPS;
    case v1::Task::kAccuracy:
      return v1::TASK_KIND_ACCURACY;
    case v1::Task::kLatency:
      return v1::TASK_KIND_LATENCY;
    case v1::Task::WORK_NOT_SET:
      break;
  }
  return v1::TASK_KIND_UNSPECIFIED;
}

const std::string& DeviceOf(const v1::Task& task) {
  if (task.has_profile_ops()) return task.profile_ops().device_id();
  if (task.has_latency()) return task.latency().device_id();
  return NoText();
}

const std::string& InputOf(const v1::Task& task) {
  if (task.has_accuracy()) return task.accuracy().weights_sha256();
  if (task.has_latency()) return task.latency().package_sha256();
  return NoText();
}

std::vector<std::string> BlobsOf(const v1::TaskResult& result) {
  std::vector<std::string> blobs;
  for (const std::string& name : {result.accuracy().weights_sha256(),
                                  result.accuracy().package_sha256()}) {
    if (IsSha256Hex(name)) blobs.push_back(name);
  }
  return blobs;
}

absl::Status CheckFraction(absl::string_view field, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return Invalid(field, absl::StrCat("must be 0..1, is ", value));
}

absl::Status CheckDuration(absl::Duration duration) {
  if (duration > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError("duration: must be positive");
}

absl::Status CheckNewTask(const NewTask& given) {
  if (given.key.empty() || given.key.size() > kMaxKeyBytes) {
    return Invalid("task.key", absl::StrCat("must have 1..", kMaxKeyBytes,
                                            " bytes, has ", given.key.size()));
  }
  const v1::Task& task = given.task;
  const v1::TaskKind kind = KindOf(task);
  if (kind == v1::TASK_KIND_UNSPECIFIED) return Invalid("task.work", "unset");
  if (kind != v1::TASK_KIND_ACCURACY && DeviceOf(task).empty()) {
    return Invalid("task.work.device_id", "is empty");
  }
  if (task.max_attempts() < 1 || task.max_attempts() > kMaxAttempts) {
    return Invalid("task.max_attempts",
                   absl::StrCat("must be 1..", kMaxAttempts, ", is ",
                                task.max_attempts()));
  }
  return absl::OkStatus();
}

absl::Status CheckWorker(const v1::RegisterRequest& worker,
                         absl::string_view session) {
  if (worker.worker_id().empty()) return Invalid("worker_id", "is empty");
  if (session.empty()) return Invalid("session", "is empty");
  if (worker.roles().empty() || worker.roles_size() > kMaxRoles) {
    return Invalid("roles", absl::StrCat("needs 1..", kMaxRoles));
  }
  if (worker.devices_size() > kMaxDevices) {
    return Invalid("devices", absl::StrCat("at most ", kMaxDevices));
  }
  for (const int role : worker.roles()) {
    if (!v1::TaskKind_IsValid(role) || role == v1::TASK_KIND_UNSPECIFIED) {
      return Invalid("roles", absl::StrCat(role, " is no kind of task"));
    }
    if (role != v1::TASK_KIND_ACCURACY && worker.devices().empty()) {
      return Invalid("devices",
                     absl::StrCat(v1::TaskKind_Name(role), " needs a device"));
    }
  }
  for (const v1::Device& device : worker.devices()) {
    if (device.id().empty()) return Invalid("devices.id", "is empty");
  }
  return absl::OkStatus();
}

absl::Status CheckCompletion(const v1::Task& task,
                             const Completion& completion) {
  switch (completion.outcome) {
    case v1::ATTEMPT_OUTCOME_OK:
      return CheckResult(task, completion.result);
    case v1::ATTEMPT_OUTCOME_USER_ERROR:
    case v1::ATTEMPT_OUTCOME_INFRA_ERROR:
    case v1::ATTEMPT_OUTCOME_THERMAL_REJECT:
    case v1::ATTEMPT_OUTCOME_TIMEOUT:
      return absl::OkStatus();
    default:
      return Invalid("outcome",
                     "must be OK, USER_ERROR, INFRA_ERROR, THERMAL_REJECT or "
                     "TIMEOUT");
  }
}

absl::Status CheckLatencyTable(const v1::LatencyTable& table) {
  if (table.device().fingerprint().empty()) {
    return Invalid("device.fingerprint", "is empty");
  }
  if (table.device().runtime().empty()) {
    return Invalid("device.runtime", "is empty");
  }
  if (table.threads() < 1) return Invalid("threads", "must be positive");
  if (table.batch() < 1) return Invalid("batch", "must be positive");
  for (int i = 0; i < table.ops_size(); ++i) {
    if (table.ops(i).median_ns() > 0) continue;
    return Invalid(absl::StrCat("ops[", i, "].median_ns"), "must be positive");
  }
  return absl::OkStatus();
}

absl::Status CheckCheckpoint(const Checkpoint& checkpoint) {
  for (const std::string& blob : checkpoint.blob_sha256) {
    RETURN_IF_ERROR(CheckBlobName("checkpoint.blob_sha256", blob));
  }
  return absl::OkStatus();
}

void MergeTableHeader(const v1::LatencyTable& newer, v1::LatencyTable* table) {
  table->set_format_version(1);
  *table->mutable_device() = newer.device();
  table->set_threads(newer.threads());
  table->set_batch(newer.batch());
  // What the first operators were stated at holds for all.
  table->mutable_full_speeds()->mutable_ns()->insert(
      newer.full_speeds().ns().begin(), newer.full_speeds().ns().end());
  if (newer.calibration().networks() > 0) {
    *table->mutable_calibration() = newer.calibration();
  }
}

absl::Status NoSuchTable(const TableKey& key) {
  return absl::NotFoundError(
      absl::StrCat("no latency table for device fingerprint ",
                   key.device_fingerprint, ", runtime ", key.runtime,
                   ", threads ", key.threads, ", batch ", key.batch));
}

v1::LatencyTable TableOf(const v1::ProfileOpsWork& work,
                         const v1::ProfileOpsResult& result) {
  v1::LatencyTable table;
  table.set_format_version(1);
  *table.mutable_device() = result.device();
  table.set_threads(work.threads());
  table.set_batch(work.batch());
  *table.mutable_full_speeds() = result.full_speeds();
  *table.mutable_ops() = result.ops();
  return table;
}

}  // namespace frostnas::db

#include "search/testing/scripted_worker.h"

#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

// 0..1, drawn from the text.
double Fraction(const std::string& text) {
  uint64_t bits = 0;
  CHECK(absl::SimpleHexAtoi(Sha256Hex(text).substr(0, 8), &bits));
  return static_cast<double>(bits) / (uint64_t{1} << 32);
}

absl::StatusOr<v1::TaskResult> Accuracy(const v1::AccuracyWork& work,
                                        const BlobAccess& blobs) {
  ASSIGN_OR_RETURN(const std::string weights, blobs.get(work.weights_sha256()));
  const std::string trained =
      absl::StrCat(weights, "+", work.epochs(), "/", work.seed());
  v1::TaskResult result;
  v1::AccuracyResult& accuracy = *result.mutable_accuracy();
  accuracy.set_int8_top1(Fraction(trained));
  accuracy.set_fake_quant_top1(accuracy.int8_top1());
  accuracy.set_float_top1(accuracy.int8_top1());
  ASSIGN_OR_RETURN(const std::string weights_sha256, blobs.put(trained));
  ASSIGN_OR_RETURN(const std::string package_sha256,
                   blobs.put(absl::StrCat("package of ", trained)));
  accuracy.set_weights_sha256(weights_sha256);
  accuracy.set_package_sha256(package_sha256);
  accuracy.set_package_bytes(1000);
  accuracy.set_int8_runtime("arithmetic 1");
  return result;
}

v1::TaskResult Profile(const v1::ProfileOpsWork& work) {
  v1::TaskResult result;
  *result.mutable_profile_ops()->mutable_device() =
      TinyDevice(work.device_id());
  for (const v1::OpKey& key : work.ops()) {
    v1::OpLatency& op = *result.mutable_profile_ops()->add_ops();
    *op.mutable_op() = key;
    op.set_median_ns(TinyOpNs(key));
    op.set_samples(10);
  }
  return result;
}

absl::StatusOr<v1::TaskResult> Latency(const v1::LatencyWork& work,
                                       const BlobAccess& blobs) {
  ASSIGN_OR_RETURN(const std::string package, blobs.get(work.package_sha256()));
  const auto ns = static_cast<int64_t>(1e6 + 1e6 * Fraction(package));
  v1::TaskResult result;
  *result.mutable_latency()->mutable_device() = TinyDevice(work.device_id());
  v1::Measurement& measurement =
      *result.mutable_latency()->mutable_measurement();
  measurement.set_device_id(work.device_id());
  measurement.set_device_fingerprint(result.latency().device().fingerprint());
  measurement.set_median_ns(ns);
  measurement.set_p90_ns(ns + 1000);
  measurement.set_ci_low_ns(ns - 10);
  measurement.set_ci_high_ns(ns + 10);
  measurement.set_samples(100);
  measurement.set_threads(work.threads());
  measurement.set_batch(work.batch());
  measurement.set_verdict(v1::MEASUREMENT_VERDICT_ACCEPTED);
  measurement.set_predicted_ns(work.predicted_ns());
  return result;
}

}  // namespace

absl::StatusOr<v1::TaskResult> ArithmeticResult(const v1::Task& task,
                                                const BlobAccess& blobs) {
  if (task.has_accuracy()) return Accuracy(task.accuracy(), blobs);
  if (task.has_latency()) return Latency(task.latency(), blobs);
  return Profile(task.profile_ops());
}

absl::StatusOr<v1::TaskResult> ArithmeticResult(const v1::Task& task,
                                                db::BlobStore& blobs) {
  return ArithmeticResult(
      task,
      {.get = [&blobs](const std::string& digest) { return blobs.Get(digest); },
       .put = [&blobs](const std::string& bytes) { return blobs.Put(bytes); }});
}

ScriptedWorker::ScriptedWorker(db::Store* store, const std::string& id,
                               Script script)
    : store_(*store), script_(std::move(script)) {
  absl::BitGen random;
  const std::string session =
      absl::StrCat(id, "-", absl::Uniform<uint64_t>(random));
  v1::RegisterRequest request;
  request.set_worker_id(id);
  request.add_roles(v1::TASK_KIND_ACCURACY);
  request.add_roles(v1::TASK_KIND_LATENCY);
  request.add_roles(v1::TASK_KIND_PROFILE_OPS);
  *request.add_devices() = TinyDevice("host");
  *request.add_devices() = TinyDevice("adb:1");
  // A store that died before this takes no worker, and no tasks come either.
  if (!store_.RegisterWorker(request, session).ok()) return;
  thread_ = std::thread([this, session] { Work(session); });
}

ScriptedWorker::~ScriptedWorker() {
  stop_.RequestStop();
  store_.tasks_changed().Notify();
  if (thread_.joinable()) thread_.join();
}

void ScriptedWorker::Work(const std::string& session) {
  while (true) {
    const uint64_t seen = store_.tasks_changed().count();
    if (stop_.token().StopRequested()) return;
    const auto lease = store_.LeaseTask(session, absl::Hours(1));
    if (!lease.ok()) return;
    if (lease->has_value()) {
      Complete(session, **lease);
    } else {
      store_.tasks_changed().Wait(seen, absl::Hours(1));
    }
  }
}

void ScriptedWorker::Complete(const std::string& session,
                              const v1::Lease& lease) {
  db::Completion completion;
  completion.lease = {.session = session,
                      .task_id = lease.task().id(),
                      .fencing_token = lease.fencing_token()};
  absl::StatusOr<v1::TaskResult> result = script_(lease.task());
  completion.outcome = v1::ATTEMPT_OUTCOME_OK;
  if (result.ok()) {
    completion.result = *std::move(result);
  } else {
    completion.outcome = absl::IsInvalidArgument(result.status())
                             ? v1::ATTEMPT_OUTCOME_USER_ERROR
                             : v1::ATTEMPT_OUTCOME_INFRA_ERROR;
    completion.error = std::string(result.status().message());
  }
  // Refused when the study was cancelled or the store died meanwhile.
  store_.CompleteTask(completion).status().IgnoreError();
}

}  // namespace frostnas::search

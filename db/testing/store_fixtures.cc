#include "db/testing/store_fixtures.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace frostnas::db {
namespace {

v1::OpKey TestOp(int channels) {
  v1::OpKey op;
  op.set_kind("conv");
  op.set_in_size(8);
  op.set_in_channels(channels);
  op.set_out_channels(channels);
  op.set_kernel(1);
  op.set_stride(1);
  op.set_activation(v1::ACTIVATION_RELU);
  return op;
}

v1::Device TestDevice(absl::string_view id) {
  v1::Device device;
  device.set_id(std::string(id));
  device.set_fingerprint(absl::StrCat("print of ", id));
  device.set_runtime("onednn 2.6.3");
  device.set_measured(true);
  return device;
}

}  // namespace

std::string FakeDigest(int n) { return absl::StrFormat("%064x", n); }

v1::StudySpec TestSpec(uint64_t seed) {
  v1::StudySpec spec;
  spec.set_display_name("test");
  spec.add_devices("host");
  spec.add_devices("adb:1");
  spec.set_strategy(v1::STRATEGY_RANDOM);
  spec.set_seed(seed);
  return spec;
}

v1::Trial TestTrial(int n) {
  v1::Trial trial;
  trial.set_arch_sha256(FakeDigest(n));
  trial.mutable_architecture()->set_name(absl::StrCat("net ", n));
  trial.set_params(100 * n);
  trial.set_origin("sample");
  return trial;
}

NewTask AccuracyTask(int trial_id, int max_attempts) {
  NewTask task;
  task.key = absl::StrCat("accuracy/", trial_id);
  task.task.set_trial_id(trial_id);
  task.task.set_max_attempts(max_attempts);
  task.task.mutable_accuracy()->set_epochs(1);
  return task;
}

NewTask LatencyTask(int trial_id, absl::string_view device_id,
                    int max_attempts) {
  NewTask task;
  task.key = absl::StrCat("latency/", trial_id, "/", device_id);
  task.task.set_trial_id(trial_id);
  task.task.set_max_attempts(max_attempts);
  task.task.mutable_latency()->set_device_id(std::string(device_id));
  task.task.mutable_latency()->set_package_sha256(FakeDigest(2000 + trial_id));
  return task;
}

NewTask ProfileTask(absl::string_view device_id) {
  NewTask task;
  task.key = absl::StrCat("profile/", device_id);
  task.task.set_max_attempts(3);
  v1::ProfileOpsWork& work = *task.task.mutable_profile_ops();
  work.set_device_id(std::string(device_id));
  work.set_threads(1);
  work.set_batch(1);
  *work.add_ops() = TestOp(8);
  *work.add_ops() = TestOp(16);
  return task;
}

v1::TaskResult AccuracyOf(double int8_top1, int blob) {
  v1::TaskResult result;
  v1::AccuracyResult& accuracy = *result.mutable_accuracy();
  accuracy.set_float_top1(0.75);
  accuracy.set_fake_quant_top1(0.7);
  accuracy.set_int8_top1(int8_top1);
  accuracy.set_weights_sha256(FakeDigest(blob));
  accuracy.set_package_sha256(FakeDigest(blob + 1));
  accuracy.set_package_bytes(4096);
  accuracy.set_int8_runtime("reference");
  accuracy.add_epoch_loss(2);
  accuracy.add_epoch_loss(1);
  return result;
}

v1::TaskResult LatencyOf(absl::string_view device_id, int64_t median_ns) {
  v1::TaskResult result;
  v1::LatencyResult& latency = *result.mutable_latency();
  *latency.mutable_device() = TestDevice(device_id);
  latency.mutable_measurement()->set_device_id(std::string(device_id));
  latency.mutable_measurement()->set_median_ns(median_ns);
  latency.mutable_measurement()->set_p90_ns(median_ns + 10);
  return result;
}

v1::TaskResult ProfileOf(absl::string_view device_id, int64_t median_ns) {
  v1::TaskResult result;
  v1::ProfileOpsResult& profile = *result.mutable_profile_ops();
  *profile.mutable_device() = TestDevice(device_id);
  for (const int channels : {8, 16}) {
    v1::OpLatency& op = *profile.add_ops();
    *op.mutable_op() = TestOp(channels);
    op.set_median_ns(median_ns);
  }
  return result;
}

v1::RegisterRequest TestWorker(absl::string_view id) {
  v1::RegisterRequest worker;
  worker.set_worker_id(std::string(id));
  worker.add_roles(v1::TASK_KIND_PROFILE_OPS);
  worker.add_roles(v1::TASK_KIND_ACCURACY);
  worker.add_roles(v1::TASK_KIND_LATENCY);
  *worker.add_devices() = TestDevice("host");
  *worker.add_devices() = TestDevice("adb:1");
  return worker;
}

v1::RegisterRequest LatencyWorker(absl::string_view id,
                                  absl::string_view device_id) {
  v1::RegisterRequest worker;
  worker.set_worker_id(std::string(id));
  worker.add_roles(v1::TASK_KIND_LATENCY);
  *worker.add_devices() = TestDevice(device_id);
  return worker;
}

LeaseRef RefOf(absl::string_view session, const v1::Lease& lease) {
  return {std::string(session), lease.task().id(), lease.fencing_token()};
}

Completion OkCompletion(const LeaseRef& lease, const v1::TaskResult& result) {
  Completion completion;
  completion.lease = lease;
  completion.outcome = v1::ATTEMPT_OUTCOME_OK;
  completion.result = result;
  return completion;
}

Completion FailedCompletion(const LeaseRef& lease, v1::AttemptOutcome outcome,
                            absl::string_view error) {
  Completion completion;
  completion.lease = lease;
  completion.outcome = outcome;
  completion.error = std::string(error);
  return completion;
}

}  // namespace frostnas::db

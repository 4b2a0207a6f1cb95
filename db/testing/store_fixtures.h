// Small records for tests of stores.
#ifndef FROSTNAS_DB_TESTING_STORE_FIXTURES_H_
#define FROSTNAS_DB_TESTING_STORE_FIXTURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "db/records.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

// 64 hexadecimal digits that `n` tells apart.
std::string FakeDigest(int n);

// A spec for the devices "host" and "adb:1".
v1::StudySpec TestSpec(uint64_t seed = 1);
v1::Trial TestTrial(int n);

// Tasks of a trial (0: none), at most `max_attempts`.
NewTask AccuracyTask(int trial_id, int max_attempts = 3);
NewTask LatencyTask(int trial_id, absl::string_view device_id,
                    int max_attempts = 3);
NewTask ProfileTask(absl::string_view device_id);

v1::TaskResult AccuracyOf(double int8_top1, int blob = 1000);
v1::TaskResult LatencyOf(absl::string_view device_id, int64_t median_ns);
// What ProfileTask asks for, each taking `median_ns`.
v1::TaskResult ProfileOf(absl::string_view device_id, int64_t median_ns);

// A worker with every role and both devices of TestSpec.
v1::RegisterRequest TestWorker(absl::string_view id);
// A worker that only measures on one device.
v1::RegisterRequest LatencyWorker(absl::string_view id,
                                  absl::string_view device_id);

LeaseRef RefOf(absl::string_view session, const v1::Lease& lease);
Completion OkCompletion(const LeaseRef& lease, const v1::TaskResult& result);
Completion FailedCompletion(const LeaseRef& lease, v1::AttemptOutcome outcome,
                            absl::string_view error);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TESTING_STORE_FIXTURES_H_

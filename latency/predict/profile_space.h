// Fills a latency table with what predictions for a space need, on a device:
// its ops, whole networks to fit on, and networks held out to judge by.
//
// Everything finished is in the table when it is saved, which is after each
// group of ops and each network; what a table has is not measured again. So
// work that was killed goes on where it was, but for the group it was at.
//
// With tables of known devices a new device is measured in part only: some ops
// of every kind, then the networks; the other ops are inferred (transfer.h).
// While the networks, each predicted from the others, are off by more than
// `target_mape`, the ops whose uncertainty weighs most in the space are
// measured as well.
//
// FAILED_PRECONDITION: a table of another device, runtime, threads or batch.
// CANCELLED: `stop`. Else the device's errors (device.h), those that may pass
// only after `retries`; and those of `save`.
// Thread-compatible.
#ifndef FROSTNAS_LATENCY_PREDICT_PROFILE_SPACE_H_
#define FROSTNAS_LATENCY_PREDICT_PROFILE_SPACE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "arch/space.h"
#include "base/clock.h"
#include "base/stop.h"
#include "latency/device.h"
#include "latency/latency_table.h"

namespace frostnas::latency {

struct ProfileOptions {
  MeasureRequest request;
  int networks = 32;  // to fit on, >= 0
  int held_out = 16;  // to judge by, >= 0
  uint64_t seed = 1;  // of which networks
  // Ops measured between two savings, >= 1.
  int ops_per_group = 12;
  // Of known devices, the most alike first; empty: every op is measured.
  std::vector<LatencyTable> start_from;
  double target_mape = 0.05;
  // A device that is busy, too hot or away, or has failed (UNAVAILABLE,
  // ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED), is asked again after each
  // pause, so many times at most for one group of ops or one network.
  int retries = 60;
  absl::Duration retry_pause = absl::Seconds(5);
};

struct ProfileHooks {
  std::function<absl::Status(const LatencyTable&)> save;
  // Before `count` > 0 "operators" or "networks" are measured, and after each
  // of them.
  std::function<void(absl::string_view what, int count)> begin;
  std::function<void()> step;
  // Before a pause; may be null.
  std::function<void(const absl::Status& why)> waiting;
};

// What was done, and what was spared.
struct ProfileSummary {
  int ops = 0;           // of the space
  int ops_measured = 0;  // by this call
  int ops_inferred = 0;
  absl::Duration ops_time;
  int networks_measured = 0;  // by this call
  absl::Duration networks_time;
  // What measuring the inferred ops would have taken at this call's rate; zero
  // when it measured none.
  absl::Duration saved;
};

// FAILED_PRECONDITION unless `table` is of `device` as it is now, for
// `request`.
absl::Status CheckTableOf(const LatencyTable& table, const v1::Device& device,
                          const MeasureRequest& request);

// What a profile works with; all outlive it.
struct ProfileInputs {
  LatencyDevice& device;
  const arch::SearchSpace& space;
  const ProfileHooks& hooks;
  Clock& clock;
  const StopToken& stop;
};

absl::StatusOr<ProfileSummary> ProfileSpace(const ProfileInputs& inputs,
                                            const ProfileOptions& options,
                                            LatencyTable& table);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_PROFILE_SPACE_H_

// The runner on a phone: brought there, verified, asked.
//
// Everything lies under kPhoneFolder: the runner's files in a folder named by
// their digest, so that they are pushed once, and the files of one job, which
// are removed after it.
//
// Errors: adb.h's, and UNAVAILABLE where a copy arrives with other bytes
// twice. Thread-compatible.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_RUNNER_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_RUNNER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "latency/phone/runner_answer.h"
#include "latency/phone/runner_bundle.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

inline constexpr char kPhoneFolder[] = "/data/local/tmp/frostnas";

class PhoneRunner {
 public:
  // `adb` must outlive it.
  PhoneRunner(const Adb& adb, std::string serial, RunnerBundle bundle);

  // Brings what is missing of the runner's files.
  absl::Status Install(const StopToken& stop) const;

  // Brings a file of the job and returns its path on the phone. The runner,
  // which is started in its own folder, finds it as "../job/NAME".
  absl::StatusOr<std::string> Bring(const std::string& name,
                                    absl::string_view bytes,
                                    const StopToken& stop) const;

  // Runs the installed runner. What it refuses is INVALID_ARGUMENT; that it
  // failed, ABORTED.
  absl::StatusOr<RunnerAnswer> Ask(const v1::RunnerRequest& request,
                                   absl::Duration deadline,
                                   const StopToken& stop) const;

  // Ends what may still run and removes the job's files.
  absl::Status CleanUp(const StopToken& stop) const;

 private:
  // Pushes and verifies, a second time where the bytes differ.
  absl::Status Place(absl::string_view bytes, const std::string& path,
                     const StopToken& stop) const;
  absl::StatusOr<bool> Holds(const std::string& path, const std::string& sha256,
                             const StopToken& stop) const;

  const Adb& adb_;
  const std::string serial_;
  const RunnerBundle bundle_;
  const std::string folder_;  // of the bundle
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_RUNNER_H_

// Does what a runner request asks for (proto/frostnas/v1/runner.proto) with
// XNNPACK, on the machine this program runs on.
#ifndef FROSTNAS_LATENCY_RUNNER_RUNNER_H_
#define FROSTNAS_LATENCY_RUNNER_RUNNER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "latency/runner/line_writer.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

// About this program and what it runs on.
absl::StatusOr<v1::RunnerHello> MakeHello();

// Bytes from anywhere. INVALID_ARGUMENT: not a request, or a field's value.
// FAILED_PRECONDITION: a format that this build does not know.
absl::StatusOr<v1::RunnerRequest> ReadRequest(const std::string& path);

// Writes the lines between hello and end. `end` gets what is told beside the
// status, whatever that is. Keeps the calling thread on the request's cores
// from then on.
//
// Codes: LatencyDevice::Measure's, those of files (base/file.h), package.h's,
// and RESOURCE_EXHAUSTED for a network that needs too much memory at this
// batch.
absl::Status RunRequest(const v1::RunnerRequest& request, LineWriter& lines,
                        v1::RunnerEnd& end, const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_RUNNER_RUNNER_H_

// Whether the runner on a phone computes what the integer reference does: a
// processor, or a system's way to run it, may be at fault, and a latency of
// wrong outputs is worth nothing.
//
// Runs the reference network (latency/reference_network.h) with random weights
// on random images and compares its logits: none may be off by more than one
// step (quant/executor.h).
#ifndef FROSTNAS_LATENCY_PHONE_OUTPUT_CHECK_H_
#define FROSTNAS_LATENCY_PHONE_OUTPUT_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "latency/phone/phone_runner.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

// The installed runner on `serial`, on the request's threads and cores.
// FAILED_PRECONDITION: it computes something else. Else as PhoneRunner.
absl::Status CheckOutputs(const Adb& adb, const std::string& serial,
                          const PhoneRunner& runner, v1::RunnerRequest request,
                          const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_OUTPUT_CHECK_H_

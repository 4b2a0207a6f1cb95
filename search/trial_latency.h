// What a trial measured on one of its study's devices.
#ifndef FROSTNAS_SEARCH_TRIAL_LATENCY_H_
#define FROSTNAS_SEARCH_TRIAL_LATENCY_H_

#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// The trial's measurement on a device, or null; it belongs to the trial.
const v1::Measurement* LatencyOn(const v1::Trial& trial,
                                 absl::string_view device_id);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_TRIAL_LATENCY_H_

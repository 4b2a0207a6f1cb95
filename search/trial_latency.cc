#include "search/trial_latency.h"

namespace frostnas::search {

const v1::Measurement* LatencyOn(const v1::Trial& trial,
                                 absl::string_view device_id) {
  for (const v1::Measurement& latency : trial.latency()) {
    if (latency.device_id() == device_id) return &latency;
  }
  return nullptr;
}

}  // namespace frostnas::search

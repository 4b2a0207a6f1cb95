// The machine this program runs on, measured through the oneDNN executor.
#ifndef FROSTNAS_LATENCY_HOST_DEVICE_H_
#define FROSTNAS_LATENCY_HOST_DEVICE_H_

#include <memory>

#include "base/clock.h"
#include "latency/device.h"

namespace frostnas::latency {

// Measures on the calling thread, pinned to one core where one thread is asked
// for. The reference is a fixed network on the same executor; its full speed
// is estimated once, at the first use with a number of threads, which takes a
// second. `clock` stamps measurements and must outlive the device.
//
// Devices of one process share nothing: keep one, so that all its results are
// stated at the same full speed.
std::unique_ptr<LatencyDevice> CreateHostDevice(Clock& clock);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_HOST_DEVICE_H_

// This machine as a v1::Device.
#ifndef FROSTNAS_LATENCY_MEASURE_HOST_DESCRIPTION_H_
#define FROSTNAS_LATENCY_MEASURE_HOST_DESCRIPTION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Id "host", processor name, cores this process may use, INT8 instruction set
// and runtime of the executor, and a fingerprint of all these. Thread-safe.
v1::Device DescribeHost();

// The processor's name in the text of /proc/cpuinfo: "model name", or on ARM
// the implementer and part codes; "unknown processor" where neither is there.
std::string ProcessorName(absl::string_view cpuinfo);

// SHA-256 of the fields that make two devices the same for latency: all but id
// and fingerprint.
std::string DeviceFingerprint(const v1::Device& device);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_HOST_DESCRIPTION_H_

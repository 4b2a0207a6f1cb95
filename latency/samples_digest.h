// The evidence's name for a measurement's samples.
#ifndef FROSTNAS_LATENCY_SAMPLES_DIGEST_H_
#define FROSTNAS_LATENCY_SAMPLES_DIGEST_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace frostnas::latency {

// SHA-256 (hex) of the samples as int64, little endian, in order.
std::string SamplesDigest(absl::Span<const int64_t> samples_ns);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_SAMPLES_DIGEST_H_

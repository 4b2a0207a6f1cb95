#include "latency/samples_digest.h"

#include "base/sha256.h"

namespace frostnas::latency {

std::string SamplesDigest(absl::Span<const int64_t> samples_ns) {
  std::string bytes;
  for (int64_t ns : samples_ns) {
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<char>(ns >> shift & 0xff));
    }
  }
  return Sha256Hex(bytes);
}

}  // namespace frostnas::latency

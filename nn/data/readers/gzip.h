// Bounded reading of gzip data (RFC 1952).
#ifndef FROSTNAS_NN_DATA_READERS_GZIP_H_
#define FROSTNAS_NN_DATA_READERS_GZIP_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {

// Whether `bytes` start like gzip data.
bool IsGzip(absl::string_view bytes);

// The bytes inside, checked against their CRC; several members count as one.
// DATA_LOSS: damaged, cut short or followed by other bytes.
// RESOURCE_EXHAUSTED: more than `max_bytes` inside; no more memory than that is
// used. Messages begin with `name`. Thread-safe.
absl::StatusOr<std::string> Gunzip(absl::string_view bytes, int64_t max_bytes,
                                   absl::string_view name);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_GZIP_H_

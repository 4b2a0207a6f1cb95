// What every BlobStore answers alike. Pure functions, safe on any thread.
#ifndef FROSTNAS_DB_BLOB_RULES_H_
#define FROSTNAS_DB_BLOB_RULES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace frostnas::db {

absl::Status NoSuchBlob(absl::string_view sha256);
// RESOURCE_EXHAUSTED.
absl::Status BlobTooLarge(int64_t max_blob_bytes);
// DATA_LOSS unless the digests are equal; an empty `expected` asks nothing.
absl::Status CheckSent(absl::string_view expected, absl::string_view actual);
// DATA_LOSS unless the digests are equal.
absl::Status CheckStored(absl::string_view name, absl::string_view actual);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_BLOB_RULES_H_

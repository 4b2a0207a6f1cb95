#include "db/blob_rules.h"

#include "absl/strings/str_cat.h"

namespace frostnas::db {

absl::Status NoSuchBlob(absl::string_view sha256) {
  return absl::NotFoundError(absl::StrCat("no blob ", sha256));
}

absl::Status BlobTooLarge(int64_t max_blob_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("a blob has at most ", max_blob_bytes, " bytes"));
}

absl::Status CheckSent(absl::string_view expected, absl::string_view actual) {
  if (expected.empty() || expected == actual) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("sha256: announced ", expected,
                                          ", the bytes have ", actual,
                                          "; send them again"));
}

absl::Status CheckStored(absl::string_view name, absl::string_view actual) {
  if (name == actual) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "blob ", name, " is damaged: its bytes have the digest ", actual));
}

}  // namespace frostnas::db

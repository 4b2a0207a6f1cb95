#include "db/blob_store.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
#include "base/status_macros.h"

namespace frostnas::db {
namespace {

constexpr int64_t kPieceBytes = int64_t{1} << 20;

}  // namespace

absl::StatusOr<std::string> BlobStore::Put(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Writer> writer, NewWriter());
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit("");
}

absl::StatusOr<std::string> BlobStore::Get(absl::string_view sha256) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, NewReader(sha256));
  std::string bytes;
  bytes.reserve(reader->size_bytes());
  while (true) {
    ASSIGN_OR_RETURN(const std::string piece, reader->Read(kPieceBytes));
    if (piece.empty()) return bytes;
    bytes.append(piece);
  }
}

absl::Status CheckDigest(absl::string_view sha256) {
  if (IsSha256Hex({sha256.data(), sha256.size()})) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "sha256: must be 64 lower-case hexadecimal digits");
}

}  // namespace frostnas::db

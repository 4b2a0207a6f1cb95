// Immutable bytes named by their SHA-256 (lower-case hex).
//
// Two implementations: FolderBlobStore (a folder, durable) and MemoryBlobStore
// (db/memory_blob_store.h, for tests). Writing bytes that are there already is
// cheap and succeeds.
//
// Codes: INVALID_ARGUMENT: not a digest (64 lower-case hex digits). NOT_FOUND:
// no such blob. DATA_LOSS: stored or sent bytes do not have the digest.
// RESOURCE_EXHAUSTED: larger than max_blob_bytes. UNAVAILABLE: the disk failed
// or is full; names the file.
//
// Thread-safe, but for a Writer or Reader, which one thread uses at a time and
// which must not outlive its store.
#ifndef FROSTNAS_DB_BLOB_STORE_H_
#define FROSTNAS_DB_BLOB_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace frostnas::db {

// 512 MiB: what TaskService.PutBlob takes.
inline constexpr int64_t kDefaultMaxBlobBytes = int64_t{512} << 20;

class BlobStore {
 public:
  // Takes bytes piece by piece. Bytes become a blob in Commit; a writer
  // destroyed before that leaves nothing behind.
  class Writer {
   public:
    virtual ~Writer() = default;
    // RESOURCE_EXHAUSTED as soon as the limit is passed; the writer is then
    // of no further use.
    virtual absl::Status Append(absl::string_view bytes) = 0;
    // Makes the blob durable and returns its digest. DATA_LOSS: `expected` is
    // not empty and not that digest. Call once.
    virtual absl::StatusOr<std::string> Commit(absl::string_view expected) = 0;
  };

  // Gives a blob's bytes in order. The digest is checked as the last piece is
  // read: bytes are good only when the end was reached without an error.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual int64_t size_bytes() const = 0;
    // At most `max_bytes` (> 0) more; empty at the end. DATA_LOSS.
    virtual absl::StatusOr<std::string> Read(int64_t max_bytes) = 0;
  };

  virtual ~BlobStore() = default;

  virtual absl::StatusOr<std::unique_ptr<Writer>> NewWriter() = 0;
  virtual absl::StatusOr<std::unique_ptr<Reader>> NewReader(
      absl::string_view sha256) = 0;
  virtual absl::StatusOr<bool> Contains(absl::string_view sha256) = 0;

  // Removes blobs that are not among `referenced` and were written (or written
  // again) at least `min_age` ago, so that an upload whose task is not yet
  // completed stays. Returns how many went.
  virtual absl::StatusOr<int> CollectUnreferenced(
      const absl::flat_hash_set<std::string>& referenced,
      absl::Duration min_age) = 0;

  // Whole blobs at once, through a Writer or Reader.
  absl::StatusOr<std::string> Put(absl::string_view bytes);
  absl::StatusOr<std::string> Get(absl::string_view sha256);
};

// OK when `sha256` is 64 lower-case hex digits, else INVALID_ARGUMENT.
absl::Status CheckDigest(absl::string_view sha256);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_BLOB_STORE_H_

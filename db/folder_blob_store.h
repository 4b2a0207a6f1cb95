// Blobs as files: FOLDER/ab/cd/abcd....
//
// A blob is written to FOLDER/tmp, flushed to the disk, made read-only and
// renamed into place, and its folder flushed, so that after a crash a name
// either has all its bytes or does not exist. Leftovers in tmp are removed when
// the store is opened: one process at a time uses a folder for writing.
#ifndef FROSTNAS_DB_FOLDER_BLOB_STORE_H_
#define FROSTNAS_DB_FOLDER_BLOB_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "db/blob_store.h"

namespace frostnas::db {

struct FolderBlobStoreOptions {
  std::string folder;  // made, with its parent, when missing
  int64_t max_blob_bytes = kDefaultMaxBlobBytes;
};

// `clock` must outlive the store and tell the file system's time, which the
// age of blobs is measured by. UNAVAILABLE, PERMISSION_DENIED name the folder.
absl::StatusOr<std::unique_ptr<BlobStore>> OpenFolderBlobStore(
    const FolderBlobStoreOptions& options, const Clock* clock);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_FOLDER_BLOB_STORE_H_

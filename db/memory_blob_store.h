// Blobs in memory, for tests.
#ifndef FROSTNAS_DB_MEMORY_BLOB_STORE_H_
#define FROSTNAS_DB_MEMORY_BLOB_STORE_H_

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "db/blob_store.h"

namespace frostnas::db {

// `clock` must outlive the store.
std::unique_ptr<BlobStore> NewMemoryBlobStore(
    const Clock* clock, int64_t max_blob_bytes = kDefaultMaxBlobBytes);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_MEMORY_BLOB_STORE_H_

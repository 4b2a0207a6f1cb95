#include "db/memory_blob_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "db/blob_rules.h"

namespace frostnas::db {
namespace {

class MemoryBlobStore final : public BlobStore {
 public:
  MemoryBlobStore(const Clock* clock, int64_t max_blob_bytes)
      : clock_(*clock), max_blob_bytes_(max_blob_bytes) {}

  absl::StatusOr<std::unique_ptr<Writer>> NewWriter() override {
    return std::make_unique<MemoryWriter>(this);
  }

  absl::StatusOr<std::unique_ptr<Reader>> NewReader(
      absl::string_view sha256) override {
    RETURN_IF_ERROR(CheckDigest(sha256));
    absl::MutexLock lock(&mutex_);
    const auto found = blobs_.find(sha256);
    if (found == blobs_.end()) return NoSuchBlob(sha256);
    return std::make_unique<MemoryReader>(found->second.bytes);
  }

  absl::StatusOr<bool> Contains(absl::string_view sha256) override {
    RETURN_IF_ERROR(CheckDigest(sha256));
    absl::MutexLock lock(&mutex_);
    return blobs_.contains(sha256);
  }

  absl::StatusOr<int> CollectUnreferenced(
      const absl::flat_hash_set<std::string>& referenced,
      absl::Duration min_age) override {
    absl::MutexLock lock(&mutex_);
    const absl::Time newest = clock_.Now() - min_age;
    return static_cast<int>(absl::erase_if(blobs_, [&](const auto& blob) {
      return blob.second.written <= newest && !referenced.contains(blob.first);
    }));
  }

 private:
  struct Blob {
    std::string bytes;
    absl::Time written;
  };

  class MemoryWriter final : public Writer {
   public:
    explicit MemoryWriter(MemoryBlobStore* store) : store_(*store) {}

    absl::Status Append(absl::string_view bytes) override {
      bytes_.append(bytes.data(), bytes.size());
      if (static_cast<int64_t>(bytes_.size()) <= store_.max_blob_bytes_) {
        return absl::OkStatus();
      }
      return BlobTooLarge(store_.max_blob_bytes_);
    }

    absl::StatusOr<std::string> Commit(absl::string_view expected) override {
      const std::string digest = Sha256Hex(bytes_);
      RETURN_IF_ERROR(CheckSent(expected, digest));
      absl::MutexLock lock(&store_.mutex_);
      store_.blobs_[digest] = {std::move(bytes_), store_.clock_.Now()};
      return digest;
    }

   private:
    MemoryBlobStore& store_;
    std::string bytes_;
  };

  class MemoryReader final : public Reader {
   public:
    explicit MemoryReader(std::string bytes) : bytes_(std::move(bytes)) {}

    int64_t size_bytes() const override {
      return static_cast<int64_t>(bytes_.size());
    }

    absl::StatusOr<std::string> Read(int64_t max_bytes) override {
      std::string piece = bytes_.substr(read_, max_bytes);
      read_ += piece.size();
      return piece;
    }

   private:
    const std::string bytes_;
    size_t read_ = 0;
  };

  const Clock& clock_;
  const int64_t max_blob_bytes_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Blob> blobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<BlobStore> NewMemoryBlobStore(const Clock* clock,
                                              int64_t max_blob_bytes) {
  return std::make_unique<MemoryBlobStore>(clock, max_blob_bytes);
}

}  // namespace frostnas::db

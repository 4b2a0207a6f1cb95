#include "db/folder_blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "db/blob_rules.h"

namespace frostnas::db {
namespace {

// Makes names in a folder durable.
absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "open", folder);
  const bool synced = fsync(fd) == 0;
  const int error = errno;
  close(fd);
  return synced ? absl::OkStatus() : FileError(error, "sync", folder);
}

// A file being written that goes unless it is renamed.
class TempFile {
 public:
  static absl::StatusOr<std::unique_ptr<TempFile>> Create(std::string path) {
    const int fd =
        open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0) return FileError(errno, "create", path);
    return std::make_unique<TempFile>(std::move(path), fd);
  }

  TempFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~TempFile() {
    close(fd_);
    if (!renamed_) unlink(path_.c_str());
  }

  absl::Status Append(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileError(errno, "write", path_);
      bytes.remove_prefix(n);
    }
    return absl::OkStatus();
  }

  // Makes the bytes durable; `written` becomes the file's time.
  absl::Status Flush(absl::Time written) {
    const timespec at = absl::ToTimespec(written);
    const timespec times[2] = {at, at};
    if (futimens(fd_, times) != 0) return FileError(errno, "date", path_);
    if (fsync(fd_) != 0) return FileError(errno, "sync", path_);
    return absl::OkStatus();
  }

  // Gives the file its final name.
  absl::Status Rename(const std::string& to) {
    if (rename(path_.c_str(), to.c_str()) != 0) {
      return FileError(errno, "rename", path_);
    }
    renamed_ = true;
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const int fd_;
  bool renamed_ = false;
};

class FolderBlobStore final : public BlobStore {
 public:
  FolderBlobStore(const FolderBlobStoreOptions& options, const Clock* clock)
      : options_(options), clock_(*clock) {}

  absl::Status Prepare() {
    RETURN_IF_ERROR(MakeDirs(options_.folder));
    RETURN_IF_ERROR(RemoveTree(TempFolder()));
    return MakeDirs(TempFolder());
  }

  absl::StatusOr<std::unique_ptr<Writer>> NewWriter() override;

  absl::StatusOr<std::unique_ptr<Reader>> NewReader(
      absl::string_view sha256) override;

  absl::StatusOr<bool> Contains(absl::string_view sha256) override {
    RETURN_IF_ERROR(CheckDigest(sha256));
    return FileExists(PathOf(sha256));
  }

  absl::StatusOr<int> CollectUnreferenced(
      const absl::flat_hash_set<std::string>& referenced,
      absl::Duration min_age) override;

 private:
  class FileWriter;
  class FileReader;

  std::string TempFolder() const { return JoinPath(options_.folder, "tmp"); }
  std::string ShardOf(absl::string_view sha256) const {
    return JoinPath(JoinPath(options_.folder, sha256.substr(0, 2)),
                    sha256.substr(2, 2));
  }
  std::string PathOf(absl::string_view sha256) const {
    return JoinPath(ShardOf(sha256), sha256);
  }

  // Makes the folder of a blob and its name in the folders above durable.
  absl::Status MakeShard(absl::string_view sha256) {
    const std::string shard = ShardOf(sha256);
    absl::MutexLock lock(&names_);
    if (FileExists(shard)) return absl::OkStatus();
    RETURN_IF_ERROR(MakeDirs(shard));
    RETURN_IF_ERROR(SyncFolder(JoinPath(options_.folder, sha256.substr(0, 2))));
    return SyncFolder(options_.folder);
  }

  absl::StatusOr<std::vector<std::string>> ListBlobs() const;
  absl::StatusOr<bool> RemoveIfOlder(const std::string& path,
                                     absl::Time newest);

  const FolderBlobStoreOptions options_;
  const Clock& clock_;
  std::atomic<int64_t> writers_ = 0;
  // So that a blob is not written again between the look at its age and its
  // removal, and no thread uses a folder that another has not flushed yet.
  absl::Mutex names_;
};

class FolderBlobStore::FileWriter final : public Writer {
 public:
  FileWriter(FolderBlobStore* store, std::unique_ptr<TempFile> file)
      : store_(*store), file_(std::move(file)) {}

  absl::Status Append(absl::string_view bytes) override {
    written_bytes_ += static_cast<int64_t>(bytes.size());
    if (written_bytes_ > store_.options_.max_blob_bytes) {
      return BlobTooLarge(store_.options_.max_blob_bytes);
    }
    digest_.Update(bytes);
    return file_->Append(bytes);
  }

  absl::StatusOr<std::string> Commit(absl::string_view expected) override {
    const std::string digest = digest_.FinishHex();
    RETURN_IF_ERROR(CheckSent(expected, digest));
    RETURN_IF_ERROR(store_.MakeShard(digest));
    RETURN_IF_ERROR(file_->Flush(store_.clock_.Now()));
    {
      absl::MutexLock lock(&store_.names_);
      RETURN_IF_ERROR(file_->Rename(store_.PathOf(digest)));
    }
    RETURN_IF_ERROR(SyncFolder(store_.ShardOf(digest)));
    return digest;
  }

 private:
  FolderBlobStore& store_;
  const std::unique_ptr<TempFile> file_;
  Sha256 digest_;
  int64_t written_bytes_ = 0;
};

class FolderBlobStore::FileReader final : public Reader {
 public:
  FileReader(std::string name, int fd, int64_t bytes)
      : name_(std::move(name)), fd_(fd), size_bytes_(bytes) {}
  ~FileReader() override { close(fd_); }

  int64_t size_bytes() const override { return size_bytes_; }

  absl::StatusOr<std::string> Read(int64_t max_bytes) override {
    std::string piece(std::min(max_bytes, size_bytes_ - read_bytes_), '\0');
    RETURN_IF_ERROR(Fill(&piece));
    if (piece.empty()) return piece;
    read_bytes_ += static_cast<int64_t>(piece.size());
    digest_.Update(piece);
    if (read_bytes_ == size_bytes_) {
      RETURN_IF_ERROR(CheckStored(name_, digest_.FinishHex()));
    }
    return piece;
  }

 private:
  absl::Status Fill(std::string* piece) {
    size_t filled = 0;
    while (filled < piece->size()) {
      const ssize_t n = pread(fd_, piece->data() + filled,
                              piece->size() - filled, read_bytes_ + filled);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileError(errno, "read", name_);
      if (n == 0) return CheckStored(name_, "of fewer bytes than it had");
      filled += n;
    }
    return absl::OkStatus();
  }

  const std::string name_;
  const int fd_;
  const int64_t size_bytes_;
  int64_t read_bytes_ = 0;
  Sha256 digest_;
};

absl::StatusOr<std::unique_ptr<BlobStore::Writer>>
FolderBlobStore::NewWriter() {
  ASSIGN_OR_RETURN(auto file, TempFile::Create(JoinPath(
                                  TempFolder(), absl::StrCat(++writers_))));
  return std::make_unique<FileWriter>(this, std::move(file));
}

absl::StatusOr<std::unique_ptr<BlobStore::Reader>> FolderBlobStore::NewReader(
    absl::string_view sha256) {
  RETURN_IF_ERROR(CheckDigest(sha256));
  const std::string path = PathOf(sha256);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? NoSuchBlob(sha256)
                           : FileError(errno, "open", path);
  }
  struct stat info;
  if (fstat(fd, &info) != 0) {
    const int error = errno;
    close(fd);
    return FileError(error, "stat", path);
  }
  // An empty file has no last piece to be checked at.
  if (info.st_size == 0) {
    if (const absl::Status status = CheckStored(sha256, Sha256Hex(""));
        !status.ok()) {
      close(fd);
      return status;
    }
  }
  return std::make_unique<FileReader>(std::string(sha256), fd, info.st_size);
}

absl::StatusOr<std::vector<std::string>> FolderBlobStore::ListBlobs() const {
  std::vector<std::string> blobs;
  ASSIGN_OR_RETURN(const auto outer, ListDir(options_.folder));
  for (const std::string& first : outer) {
    if (first.size() != 2) continue;
    const std::string folder = JoinPath(options_.folder, first);
    ASSIGN_OR_RETURN(const auto inner, ListDir(folder));
    for (const std::string& second : inner) {
      ASSIGN_OR_RETURN(const auto names, ListDir(JoinPath(folder, second)));
      for (const std::string& name : names) {
        if (IsSha256Hex(name)) blobs.push_back(name);
      }
    }
  }
  return blobs;
}

absl::StatusOr<bool> FolderBlobStore::RemoveIfOlder(const std::string& path,
                                                    absl::Time newest) {
  absl::MutexLock lock(&names_);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(errno, "stat", path);
  if (absl::TimeFromTimespec(info.st_mtim) > newest) return false;
  RETURN_IF_ERROR(RemoveFile(path));
  return true;
}

absl::StatusOr<int> FolderBlobStore::CollectUnreferenced(
    const absl::flat_hash_set<std::string>& referenced,
    absl::Duration min_age) {
  const absl::Time newest = clock_.Now() - min_age;
  ASSIGN_OR_RETURN(const auto blobs, ListBlobs());
  int removed = 0;
  for (const std::string& name : blobs) {
    if (referenced.contains(name)) continue;
    ASSIGN_OR_RETURN(const bool went, RemoveIfOlder(PathOf(name), newest));
    removed += went ? 1 : 0;
  }
  return removed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFolderBlobStore(
    const FolderBlobStoreOptions& options, const Clock* clock) {
  auto store = std::make_unique<FolderBlobStore>(options, clock);
  RETURN_IF_ERROR(store->Prepare());
  return store;
}

}  // namespace frostnas::db

#include "nn/data/download/download.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "nn/data/download/fetch.h"
#include "nn/data/download/tar.h"
#include "nn/data/readers/gzip.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

// Both official archives hold 184 MB and are 170 MB long.
constexpr int64_t kMaxBytes = 256 << 20;

// A folder for unfinished work beside the result, so that a rename finishes
// it; removed in the destructor.
class WorkFolder {
 public:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  ~WorkFolder() { RemoveTree(path_).IgnoreError(); }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool HoldsAll(const std::string& dir, const std::vector<std::string>& files) {
  return std::all_of(files.begin(), files.end(), [&](const std::string& file) {
    return FileExists(JoinPath(dir, file));
  });
}

absl::Status CheckDigest(const Archive& archive, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string digest, Sha256HexOfFile(path));
  if (digest == archive.sha256) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      archive.url, " has the SHA-256 ", digest, ", not the published ",
      archive.sha256, "; it is damaged or was changed, and was not unpacked"));
}

// Writes the wanted files to `dir`. Their names come from `archive.files` and
// never from the archive itself, so that nothing is written elsewhere.
absl::Status Unpack(const Archive& archive, const std::string& path,
                    const std::string& dir) {
  std::string tar;
  {
    ASSIGN_OR_RETURN(const std::string packed, ReadFile(path, kMaxBytes));
    ASSIGN_OR_RETURN(tar, Gunzip(packed, kMaxBytes, archive.url));
  }
  ASSIGN_OR_RETURN(const std::vector<TarFile> held, ReadTar(tar, archive.url));
  RETURN_IF_ERROR(MakeDirs(dir));
  for (const std::string& file : archive.files) {
    const std::string wanted = JoinPath(archive.folder, file);
    const auto found =
        std::find_if(held.begin(), held.end(), [&](const TarFile& entry) {
          return entry.path == wanted || entry.path == "./" + wanted;
        });
    if (found == held.end()) {
      return absl::DataLossError(
          absl::StrCat(archive.url, " does not hold ", wanted));
    }
    const std::string contents(found->contents);
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(dir, file), contents));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Archive> OfficialArchive(v1::DatasetKind kind) {
  if (kind == v1::DATASET_KIND_CIFAR10) {
    return Archive{
        .url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        .sha256 =
            "c4a38c50a1bc5f3a1c5537f2155ab9d6"
            "8f9f25eb1ed8d9ddda3db29a59bca1dd",
        .folder = "cifar-10-batches-bin",
        .files = {"batches.meta.txt", "data_batch_1.bin", "data_batch_2.bin",
                  "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
                  "test_batch.bin"}};
  }
  if (kind == v1::DATASET_KIND_CIFAR100) {
    return Archive{
        .url = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        .sha256 =
            "58a81ae192c23a4be8b1804d68e518ed"
            "807d710a4eb253b1f2a199162a40d8ec",
        .folder = "cifar-100-binary",
        .files = {"fine_label_names.txt", "train.bin", "test.bin"}};
  }
  return absl::InvalidArgumentError(
      "--download fetches the data sets cifar10 and cifar100 only");
}

absl::Status DownloadArchive(const Archive& archive,
                             const std::string& data_dir,
                             const DownloadOptions& options) {
  const std::string target = JoinPath(data_dir, archive.folder);
  if (HoldsAll(target, archive.files)) return absl::OkStatus();
  if (FileExists(target)) {
    return absl::FailedPreconditionError(
        absl::StrCat(target, " lacks files of ", archive.url,
                     "; remove it to download it again"));
  }
  if (HoldsAll(data_dir, archive.files)) return absl::OkStatus();
  const WorkFolder work(JoinPath(
      data_dir, absl::StrCat(".", archive.folder, ".", getpid(), ".partial")));
  RETURN_IF_ERROR(MakeDirs(work.path()));
  const std::string packed = JoinPath(work.path(), "archive.tar.gz");
  RETURN_IF_ERROR(Fetch(archive.url, packed,
                        {.max_bytes = kMaxBytes,
                         .stop = options.stop,
                         .progress = options.progress}));
  RETURN_IF_ERROR(CheckDigest(archive, packed));
  const std::string unpacked = JoinPath(work.path(), archive.folder);
  RETURN_IF_ERROR(Unpack(archive, packed, unpacked));
  if (std::rename(unpacked.c_str(), target.c_str()) != 0) {
    return FileError(errno, "create", target);
  }
  return absl::OkStatus();
}

absl::Status DownloadDataset(v1::DatasetKind kind, const std::string& data_dir,
                             const DownloadOptions& options) {
  ASSIGN_OR_RETURN(const Archive archive, OfficialArchive(kind));
  return DownloadArchive(archive, data_dir, options);
}

}  // namespace frostnas::nn

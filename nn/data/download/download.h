// Data sets for users who have a network: `--download`.
//
//   RETURN_IF_ERROR(DownloadDataset(v1::DATASET_KIND_CIFAR10, data_dir, {}));
//
// fetches the official archive of the binary version, compares its SHA-256 with
// the published one, and unpacks it as one folder into data_dir, where the
// readers look for it. The folder appears whole or not at all.
#ifndef FROSTNAS_NN_DATA_DOWNLOAD_DOWNLOAD_H_
#define FROSTNAS_NN_DATA_DOWNLOAD_DOWNLOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

struct DownloadOptions {
  StopToken stop;
  // Bytes so far and in all (0: not known), now and then. May be empty.
  std::function<void(int64_t done, int64_t total)> progress;
};

// A gzipped tar archive with one folder.
struct Archive {
  std::string url;
  std::string sha256;  // of the archive, lower-case hexadecimal
  std::string folder;  // in the archive, and what it becomes in data_dir
  std::vector<std::string> files;  // in the folder; all must be there
};

// The official archive. INVALID_ARGUMENT: a kind that has none.
absl::StatusOr<Archive> OfficialArchive(v1::DatasetKind kind);

// Makes data_dir/FOLDER from the archive; OK at once when all its files are
// there, or lie in data_dir itself. FAILED_PRECONDITION: the folder is there
// but lacks files; DATA_LOSS: another checksum, or an archive without the
// files; UNAVAILABLE: the network; CANCELLED: stopped; else as base/file.h.
absl::Status DownloadArchive(const Archive& archive,
                             const std::string& data_dir,
                             const DownloadOptions& options);

// Both.
absl::Status DownloadDataset(v1::DatasetKind kind, const std::string& data_dir,
                             const DownloadOptions& options);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_DOWNLOAD_DOWNLOAD_H_

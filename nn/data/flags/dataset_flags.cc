#include "nn/data/flags/dataset_flags.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "nn/data/download/download.h"
#include "nn/data/names.h"

ABSL_FLAG(std::string, dataset, "",
          "synthetic (built in), cifar10, cifar100, idx or image_folder. "
          "Empty: synthetic; in quantize, what --model was trained on.");
ABSL_FLAG(std::string, data_dir, "",
          "Folder of the data set's files. Not needed for synthetic, nor "
          "where quantize takes what --model was trained on.");
ABSL_FLAG(bool, download, false,
          "Fetch the data set into --data_dir first, checking its published "
          "checksum, unless it is there (cifar10, cifar100).");
ABSL_FLAG(int, train_images, 0,
          "Use the first N training images after the seeded shuffle. 0: all; "
          "in a study its preset's number (smoke 1500, quick 10000, full "
          "50000).");
ABSL_FLAG(int, input_size, 0,
          "Height and width of the network's input, pixels. 0: the data "
          "set's own (image_folder: 96).");

namespace frostnas::nn {
namespace {

absl::StatusOr<v1::DatasetKind> KindFromFlag(v1::DatasetKind known) {
  const std::string name = absl::GetFlag(FLAGS_dataset);
  if (!name.empty()) return ParseDatasetKind(name);
  if (known != v1::DATASET_KIND_UNSPECIFIED &&
      known != v1::DATASET_KIND_SYNTHETIC) {
    return known;
  }
  const std::string dir = absl::GetFlag(FLAGS_data_dir);
  if (dir.empty()) return v1::DATASET_KIND_SYNTHETIC;
  return absl::InvalidArgumentError(absl::StrCat(
      "--data_dir: the built-in data set has no files; --dataset says what "
      "lies in ",
      dir));
}

absl::Status SetFolder(v1::DatasetSpec& spec) {
  if (spec.kind() == v1::DATASET_KIND_SYNTHETIC) return absl::OkStatus();
  const std::string dir = absl::GetFlag(FLAGS_data_dir);
  if (!dir.empty()) {
    spec.set_data_dir(std::filesystem::absolute(ResolveUserPath(dir))
                          .lexically_normal()
                          .string());
  } else if (spec.data_dir().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--data_dir: needed for --dataset ", DatasetKindName(spec.kind())));
  }
  return absl::OkStatus();
}

absl::Status Download(const v1::DatasetSpec& dataset) {
  std::optional<Progress> progress;  // of what is not there already
  int64_t shown = 0;
  DownloadOptions options;
  options.stop = StopOnSignals();
  options.progress = [&](int64_t done, int64_t) {
    if (!progress.has_value()) {
      progress.emplace(ProgressOptions{.title = "download"}, RealClock(),
                       StderrOutput());
    }
    progress->Advance(done - shown, "bytes");
    shown = done;
  };
  return DownloadDataset(dataset.kind(), dataset.data_dir(), options);
}

}  // namespace

absl::StatusOr<v1::DatasetSpec> DatasetFromFlags(v1::DatasetSpec known) {
  ASSIGN_OR_RETURN(const v1::DatasetKind kind, KindFromFlag(known.kind()));
  v1::DatasetSpec spec;
  if (kind == known.kind()) spec = std::move(known);
  spec.set_kind(kind);
  RETURN_IF_ERROR(SetFolder(spec));
  const int train_images = absl::GetFlag(FLAGS_train_images);
  if (train_images < 0) {
    return absl::InvalidArgumentError("--train_images: must be >= 0");
  }
  if (train_images > 0) spec.set_train_images(train_images);
  const int input_size = absl::GetFlag(FLAGS_input_size);
  if (input_size != 0) spec.set_image_size(input_size);
  if (absl::GetFlag(FLAGS_download)) RETURN_IF_ERROR(Download(spec));
  return spec;
}

}  // namespace frostnas::nn

#include "nn/data/readers/cifar.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "nn/data/image_set.h"
#include "nn/data/raw_dataset.h"

namespace frostnas::nn {
namespace {

constexpr int kSize = 32;
constexpr int kChannels = 3;
constexpr size_t kPlane = kSize * kSize;
// All 60 000 images are 184 MB; no single file holds more.
constexpr int64_t kMaxFileBytes = 200 << 20;
constexpr int64_t kMaxNamesBytes = 1 << 16;

// What differs between the two.
struct Variant {
  const char* title;
  const char* folder;      // of the official archive
  const char* needed;      // for the message about missing files
  const char* names_file;  // one class name a line; need not exist
  size_t label_bytes;      // the last one counts
  int classes;
};

constexpr Variant kCifar10 = {
    .title = "CIFAR-10",
    .folder = "cifar-10-batches-bin",
    .needed =
        "data_batch_1.bin ... data_batch_5.bin (at least one of them) "
        "and test_batch.bin of the CIFAR-10 binary version; --download "
        "fetches them",
    .names_file = "batches.meta.txt",
    .label_bytes = 1,
    .classes = 10};

constexpr Variant kCifar100 = {
    .title = "CIFAR-100",
    .folder = "cifar-100-binary",
    .needed =
        "train.bin and test.bin of the CIFAR-100 binary version; --download "
        "fetches them",
    .names_file = "fine_label_names.txt",
    .label_bytes = 2,
    .classes = 100};

absl::Status Missing(const Variant& variant, const std::string& path) {
  return absl::NotFoundError(absl::StrCat(path, " does not exist; --data_dir ",
                                          "must hold ", variant.needed));
}

// Adds the images of one file.
absl::Status AppendFile(const Variant& variant, const std::string& path,
                        ImageSet& images) {
  if (!FileExists(path)) return Missing(variant, path);
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxFileBytes));
  const size_t record = variant.label_bytes + kChannels * kPlane;
  if (bytes.empty() || bytes.size() % record != 0) {
    return absl::DataLossError(
        absl::StrCat(path, " has ", bytes.size(),
                     " bytes, which is not a positive multiple of ", record,
                     ", the size of a ", variant.title,
                     " record; it is cut "
                     "short or of another format"));
  }
  const size_t count = bytes.size() / record;
  images.pixels.reserve(images.pixels.size() + count * kChannels * kPlane);
  for (size_t i = 0; i < count; ++i) {
    const auto* at =
        reinterpret_cast<const uint8_t*>(bytes.data()) + i * record;
    const int label = at[variant.label_bytes - 1];
    if (label >= variant.classes) {
      return absl::DataLossError(absl::StrCat(
          "record ", i, " of ", path, " has label ", label, "; ", variant.title,
          " labels are 0 to ", variant.classes - 1));
    }
    images.labels.push_back(label);
    const uint8_t* planes = at + variant.label_bytes;
    for (size_t p = 0; p < kPlane; ++p) {
      for (size_t c = 0; c < kChannels; ++c) {
        images.pixels.push_back(planes[c * kPlane + p]);
      }
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> NumberedNames(int classes) {
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) names.push_back(absl::StrCat(i));
  return names;
}

// The names beside the batches; numbers when there are none.
absl::StatusOr<std::vector<std::string>> ClassNames(const Variant& variant,
                                                    const std::string& dir) {
  const std::string path = JoinPath(dir, variant.names_file);
  if (!FileExists(path)) return NumberedNames(variant.classes);
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxNamesBytes));
  std::vector<std::string> names =
      absl::StrSplit(text, absl::ByAnyChar("\r\n"), absl::SkipWhitespace());
  if (static_cast<int>(names.size()) != variant.classes) {
    return absl::DataLossError(absl::StrCat(path, " has ", names.size(),
                                            " class names; ", variant.title,
                                            " has ", variant.classes));
  }
  return names;
}

absl::StatusOr<RawDataset> Read(const Variant& variant, const std::string& dir,
                                const std::vector<std::string>& train_files,
                                const std::string& test_file) {
  RawDataset raw;
  ASSIGN_OR_RETURN(raw.class_names, ClassNames(variant, dir));
  raw.flip_allowed = true;
  for (ImageSet* images : {&raw.train, &raw.test}) {
    images->size = kSize;
    images->channels = kChannels;
  }
  for (const std::string& file : train_files) {
    RETURN_IF_ERROR(AppendFile(variant, JoinPath(dir, file), raw.train));
  }
  RETURN_IF_ERROR(AppendFile(variant, JoinPath(dir, test_file), raw.test));
  return raw;
}

// `dir`, or the archive's folder in it when that is there.
std::string FilesDir(const Variant& variant, const std::string& dir) {
  const std::string inner = JoinPath(dir, variant.folder);
  return FileExists(inner) ? inner : dir;
}

}  // namespace

absl::StatusOr<RawDataset> ReadCifar10(const std::string& dir) {
  const std::string files = FilesDir(kCifar10, dir);
  std::vector<std::string> batches;
  for (int i = 1; i <= 5; ++i) {
    const std::string name = absl::StrCat("data_batch_", i, ".bin");
    if (FileExists(JoinPath(files, name))) batches.push_back(name);
  }
  if (batches.empty()) {
    return Missing(kCifar10, JoinPath(files, "data_batch_1.bin"));
  }
  return Read(kCifar10, files, batches, "test_batch.bin");
}

absl::StatusOr<RawDataset> ReadCifar100(const std::string& dir) {
  return Read(kCifar100, FilesDir(kCifar100, dir), {"train.bin"}, "test.bin");
}

}  // namespace frostnas::nn

#include "nn/data/readers/image_folder.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "nn/data/image_set.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/image_decode.h"
#include "nn/data/readers/resize.h"

namespace frostnas::nn {
namespace {

constexpr int kChannels = 3;
constexpr int64_t kMaxFileBytes = 64 << 20;

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool HasImageName(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  return !absl::StartsWith(lower, ".") &&
         (absl::EndsWith(lower, ".jpg") || absl::EndsWith(lower, ".jpeg") ||
          absl::EndsWith(lower, ".png"));
}

// The class folders.
absl::StatusOr<std::vector<std::string>> ClassFolders(const std::string& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDir(dir));
  std::vector<std::string> classes;
  for (const std::string& name : names) {
    if (absl::StartsWith(name, ".")) continue;
    if (IsDirectory(JoinPath(dir, name))) classes.push_back(name);
  }
  if (classes.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        dir, " has ", classes.size(),
        " folders; --data_dir must hold a folder of JPEG or PNG files for "
        "each of at least two classes"));
  }
  return classes;
}

absl::StatusOr<std::vector<std::string>> ImageFiles(const std::string& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDir(dir));
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    if (HasImageName(name)) paths.push_back(JoinPath(dir, name));
  }
  if (paths.empty()) {
    return absl::DataLossError(
        absl::StrCat(dir,
                     " has no .jpg, .jpeg or .png file; every folder in "
                     "--data_dir is a class and must hold images"));
  }
  return paths;
}

absl::Status AppendImage(const std::string& path, int label, ImageSet& images) {
  const size_t begin = images.pixels.size();
  const size_t bytes = static_cast<size_t>(images.image_bytes());
  if (begin + bytes > static_cast<size_t>(kMaxImageSetBytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: ", images.count(), " images of image_size ",
                     images.size, " and more take over ", kMaxImageSetBytes,
                     " bytes; ask for a smaller --input_size"));
  }
  ASSIGN_OR_RETURN(const std::string file, ReadFile(path, kMaxFileBytes));
  ASSIGN_OR_RETURN(const DecodedImage decoded,
                   DecodeImage(file, images.size, path));
  const PixelView view = {.pixels = decoded.pixels.data(),
                          .width = decoded.width,
                          .height = decoded.height,
                          .channels = kChannels,
                          .row_bytes = int64_t{decoded.width} * kChannels};
  images.pixels.resize(begin + bytes);
  Resize(CentreSquare(view), images.size, images.pixels.data() + begin);
  images.labels.push_back(label);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RawDataset> ReadImageFolder(const std::string& dir,
                                           int image_size) {
  RawDataset raw;
  ASSIGN_OR_RETURN(raw.class_names, ClassFolders(dir));
  raw.flip_allowed = true;
  raw.train.size = image_size;
  raw.train.channels = kChannels;
  for (size_t label = 0; label < raw.class_names.size(); ++label) {
    ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                     ImageFiles(JoinPath(dir, raw.class_names[label])));
    for (const std::string& path : paths) {
      RETURN_IF_ERROR(AppendImage(path, static_cast<int>(label), raw.train));
    }
  }
  return raw;
}

}  // namespace frostnas::nn

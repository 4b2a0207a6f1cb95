#include "nn/data/readers/idx.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "nn/data/image_set.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/gzip.h"

namespace frostnas::nn {
namespace {

constexpr int64_t kMaxBytes = 1 << 30;
constexpr uint32_t kImagesMagic = 0x803;
constexpr uint32_t kLabelsMagic = 0x801;
constexpr uint32_t kMaxSide = 1024;

// A file's bytes, unpacked, and where they came from.
struct Contents {
  std::string path;
  std::string bytes;

  size_t words() const { return bytes.size() / 4; }
  uint32_t Word(size_t index) const {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) {
      word = word << 8 | static_cast<uint8_t>(bytes[4 * index + i]);
    }
    return word;
  }
};

absl::StatusOr<Contents> ReadContents(const std::string& dir,
                                      absl::string_view name) {
  Contents contents;
  contents.path = JoinPath(dir, std::string(name));
  if (!FileExists(contents.path)) {
    const std::string packed = contents.path + ".gz";
    if (!FileExists(packed)) {
      return absl::NotFoundError(absl::StrCat(
          contents.path, "[.gz] does not exist; --data_dir must hold ",
          "train-images-idx3-ubyte, train-labels-idx1-ubyte, ",
          "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, gzipped or not"));
    }
    contents.path = packed;
  }
  ASSIGN_OR_RETURN(contents.bytes, ReadFile(contents.path, kMaxBytes));
  if (IsGzip(contents.bytes)) {
    ASSIGN_OR_RETURN(contents.bytes,
                     Gunzip(contents.bytes, kMaxBytes, contents.path));
  }
  return contents;
}

// Checks magic and length; `words` is the header's size. The payload must have
// the product of the counts in bytes.
absl::Status CheckHeader(const Contents& contents, uint32_t magic,
                         size_t words) {
  if (contents.words() < words || contents.Word(0) != magic) {
    return absl::DataLossError(absl::StrFormat(
        "%s is not an IDX file of unsigned bytes: it must start with 0x%08x "
        "and %u counts",
        contents.path, magic, words - 1));
  }
  // Sides are checked first, so the product stays below 2^52.
  uint64_t expected = 1;
  for (size_t i = 1; i < words; ++i) {
    if (i > 1 && contents.Word(i) > kMaxSide) {
      return absl::DataLossError(absl::StrCat(
          contents.path, " says its images have a side of ", contents.Word(i),
          " pixels; at most ", kMaxSide, " are read"));
    }
    expected *= contents.Word(i);
  }
  const uint64_t payload = contents.bytes.size() - 4 * words;
  if (payload != expected || expected == 0) {
    return absl::DataLossError(absl::StrCat(
        contents.path, " has ", payload, " bytes after its header, which says ",
        expected, "; it is empty, cut short or too long"));
  }
  return absl::OkStatus();
}

absl::Status ReadImages(const Contents& contents, ImageSet& images) {
  RETURN_IF_ERROR(CheckHeader(contents, kImagesMagic, 4));
  if (contents.Word(2) != contents.Word(3)) {
    return absl::DataLossError(absl::StrCat(
        contents.path, " has images of ", contents.Word(2), " rows and ",
        contents.Word(3), " columns; only square ones are read"));
  }
  images.size = static_cast<int>(contents.Word(2));
  images.channels = 1;
  images.pixels.assign(contents.bytes.begin() + 16, contents.bytes.end());
  return absl::OkStatus();
}

absl::Status ReadLabels(const Contents& contents, const Contents& of,
                        ImageSet& images) {
  RETURN_IF_ERROR(CheckHeader(contents, kLabelsMagic, 2));
  if (contents.Word(1) != of.Word(1)) {
    return absl::DataLossError(
        absl::StrCat(contents.path, " has ", contents.Word(1),
                     " labels for the ", of.Word(1), " images of ", of.path));
  }
  for (size_t i = 8; i < contents.bytes.size(); ++i) {
    images.labels.push_back(static_cast<uint8_t>(contents.bytes[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<ImageSet> ReadSet(const std::string& dir,
                                 absl::string_view part) {
  ImageSet images;
  ASSIGN_OR_RETURN(const Contents pixels,
                   ReadContents(dir, absl::StrCat(part, "-images-idx3-ubyte")));
  RETURN_IF_ERROR(ReadImages(pixels, images));
  ASSIGN_OR_RETURN(const Contents labels,
                   ReadContents(dir, absl::StrCat(part, "-labels-idx1-ubyte")));
  RETURN_IF_ERROR(ReadLabels(labels, pixels, images));
  return images;
}

}  // namespace

absl::StatusOr<RawDataset> ReadIdx(const std::string& dir) {
  RawDataset raw;
  ASSIGN_OR_RETURN(raw.train, ReadSet(dir, "train"));
  ASSIGN_OR_RETURN(raw.test, ReadSet(dir, "t10k"));
  if (raw.train.size != raw.test.size) {
    return absl::DataLossError(
        absl::StrCat(dir, " has training images of ", raw.train.size,
                     " pixels and test images of ", raw.test.size));
  }
  const int largest =
      *std::max_element(raw.train.labels.begin(), raw.train.labels.end());
  const int largest_test =
      *std::max_element(raw.test.labels.begin(), raw.test.labels.end());
  if (largest_test > largest) {
    return absl::DataLossError(
        absl::StrCat(dir, " has a test label ", largest_test,
                     ", but training labels only up to ", largest));
  }
  for (int label = 0; label <= largest; ++label) {
    raw.class_names.push_back(absl::StrCat(label));
  }
  return raw;
}

}  // namespace frostnas::nn

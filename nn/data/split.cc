#include "nn/data/split.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "nn/data/dataset.h"
#include "nn/data/image_set.h"
#include "nn/data/raw_dataset.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

constexpr double kDefaultFraction = 0.1;
constexpr int kMinImageSize = 8;
constexpr int kMaxImageSize = 1024;

// Positions of images in a raw set.
using Indices = std::vector<int>;

Indices Shuffled(int count, Random random) {
  Indices indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  random.Shuffle(indices);
  return indices;
}

ImageSet Gather(const ImageSet& images, absl::Span<const int> indices) {
  ImageSet gathered;
  gathered.size = images.size;
  gathered.channels = images.channels;
  gathered.pixels.reserve(indices.size() *
                          static_cast<size_t>(images.image_bytes()));
  gathered.labels.reserve(indices.size());
  for (const int index : indices) {
    const absl::Span<const uint8_t> image = images.image(index);
    gathered.pixels.insert(gathered.pixels.end(), image.begin(), image.end());
    gathered.labels.push_back(images.labels[static_cast<size_t>(index)]);
  }
  return gathered;
}

// Keeps the first `limit`; 0: all.
void Limit(int limit, Indices& indices) {
  if (limit > 0 && indices.size() > static_cast<size_t>(limit)) {
    indices.resize(static_cast<size_t>(limit));
  }
}

size_t Part(double fraction, size_t count) {
  if (fraction == 0) fraction = kDefaultFraction;
  const double exact = fraction * static_cast<double>(count);
  return std::max<size_t>(1, static_cast<size_t>(std::llround(exact)));
}

absl::Status CheckFraction(absl::string_view name, double fraction) {
  if (fraction >= 0 && fraction <= 0.5) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data set: ", name, " is ", fraction, ", not in [0, 0.5]"));
}

void AddToDigest(absl::string_view name, const ImageSet& images,
                 Sha256& digest) {
  const std::string header =
      absl::StrCat(name, " ", images.count(), " images of ", images.size, "x",
                   images.size, "x", images.channels, "\n");
  digest.Update(header);
  digest.Update({reinterpret_cast<const char*>(images.pixels.data()),
                 images.pixels.size()});
  // One byte a label does not hold all sets; text does.
  for (const int32_t label : images.labels) {
    digest.Update(absl::StrCat(label, "\n"));
  }
}

// Exact sums, so that no order of additions shows in the last bits.
void DescribePixels(const ImageSet& images, v1::DatasetInfo& info) {
  const size_t channels = static_cast<size_t>(images.channels);
  std::vector<uint64_t> sum(channels), square(channels);
  for (size_t i = 0; i < images.pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) {
      const uint64_t pixel = images.pixels[i + c];
      sum[c] += pixel;
      square[c] += pixel * pixel;
    }
  }
  const double count = static_cast<double>(images.pixels.size() / channels);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance =
        static_cast<double>(square[c]) / count - mean * mean;
    // A constant channel must not divide by 0: one grey level at least.
    const double stddev = std::sqrt(std::max(variance, 1.0));
    info.add_mean(static_cast<float>(mean / 255));
    info.add_stddev(static_cast<float>(stddev / 255));
  }
}

}  // namespace

absl::Status CheckSpec(const v1::DatasetSpec& spec) {
  RETURN_IF_ERROR(CheckFraction("arch_fraction", spec.arch_fraction()));
  RETURN_IF_ERROR(CheckFraction("val_fraction", spec.val_fraction()));
  if (spec.train_images() < 0) {
    return absl::InvalidArgumentError("data set: train_images is negative");
  }
  if (spec.test_images() < 0) {
    return absl::InvalidArgumentError("data set: test_images is negative");
  }
  const int size = spec.image_size();
  if (size != 0 && (size < kMinImageSize || size > kMaxImageSize)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: image_size is ", size, "; it is 0 or ",
                     kMinImageSize, " to ", kMaxImageSize));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Dataset>> SplitDataset(
    RawDataset raw, const v1::DatasetSpec& spec) {
  const Random random = Random(spec.seed()).Split("split");
  Indices test(static_cast<size_t>(raw.test.count()));
  std::iota(test.begin(), test.end(), 0);
  Indices train = Shuffled(raw.train.count(), random);
  const bool own_test = !test.empty();
  if (!own_test) {
    const size_t held = std::max<size_t>(
        1, static_cast<size_t>(
               std::llround(kTestShare * static_cast<double>(train.size()))));
    const auto from =
        train.end() - static_cast<ptrdiff_t>(std::min(held, train.size()));
    test.assign(from, train.end());
    train.erase(from, train.end());
  }
  Limit(spec.train_images(), train);
  Limit(spec.test_images(), test);
  const size_t arch = Part(spec.arch_fraction(), train.size());
  const size_t val = Part(spec.val_fraction(), train.size());
  if (arch + val >= train.size() || test.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data set: ", train.size(), " training and ", test.size(),
        " test images are too few to hold out ", arch,
        " for the architecture step and ", val,
        " for validation; raise train_images or lower arch_fraction and "
        "val_fraction"));
  }
  auto dataset = std::make_unique<Dataset>();
  const absl::Span<const int> order = train;
  const size_t weights = train.size() - arch - val;
  dataset->train = Gather(raw.train, order.first(weights));
  dataset->arch = Gather(raw.train, order.subspan(weights, arch));
  dataset->val = Gather(raw.train, order.last(val));
  dataset->test = Gather(own_test ? raw.test : raw.train, test);
  return dataset;
}

void DescribeSplits(Dataset& dataset) {
  v1::DatasetInfo& info = dataset.info;
  info.set_train(dataset.train.count());
  info.set_arch(dataset.arch.count());
  info.set_val(dataset.val.count());
  info.set_test(dataset.test.count());
  info.set_image_size(dataset.train.size);
  info.set_channels(dataset.train.channels);
  DescribePixels(dataset.train, info);
  Sha256 digest;
  AddToDigest("train", dataset.train, digest);
  AddToDigest("arch", dataset.arch, digest);
  AddToDigest("val", dataset.val, digest);
  AddToDigest("test", dataset.test, digest);
  info.set_sha256(digest.FinishHex());
}

}  // namespace frostnas::nn

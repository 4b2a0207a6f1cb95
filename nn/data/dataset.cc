#include "nn/data/dataset.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/data/names.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/cifar.h"
#include "nn/data/readers/idx.h"
#include "nn/data/readers/image_folder.h"
#include "nn/data/readers/resize.h"
#include "nn/data/split.h"
#include "nn/data/synthetic.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

constexpr int kDefaultFolderImageSize = 96;

absl::StatusOr<RawDataset> ReadSynthetic(const v1::DatasetSpec& spec) {
  SyntheticOptions options;
  options.seed = spec.seed();
  if (spec.train_images() > 0) options.train_images = spec.train_images();
  if (spec.test_images() > 0) options.test_images = spec.test_images();
  if (options.train_images > kMaxSyntheticImages ||
      options.test_images > kMaxSyntheticImages) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: train_images and test_images of the synthetic "
                     "set are at most ",
                     kMaxSyntheticImages));
  }
  return RenderSynthetic(options);
}

absl::StatusOr<RawDataset> ReadRaw(const v1::DatasetSpec& spec) {
  if (spec.kind() == v1::DATASET_KIND_SYNTHETIC) return ReadSynthetic(spec);
  if (DatasetKindName(spec.kind()).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: kind is not one of ", DatasetKindNames()));
  }
  if (spec.data_dir().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: data_dir is empty; --dataset ",
                     DatasetKindName(spec.kind()), " needs --data_dir"));
  }
  switch (spec.kind()) {
    case v1::DATASET_KIND_CIFAR10:
      return ReadCifar10(spec.data_dir());
    case v1::DATASET_KIND_CIFAR100:
      return ReadCifar100(spec.data_dir());
    case v1::DATASET_KIND_IDX:
      return ReadIdx(spec.data_dir());
    default:
      return ReadImageFolder(spec.data_dir(), spec.image_size() > 0
                                                  ? spec.image_size()
                                                  : kDefaultFolderImageSize);
  }
}

}  // namespace

ImageSet Join(const ImageSet& a, const ImageSet& b) {
  CHECK_EQ(a.image_bytes(), b.image_bytes());
  ImageSet joined = a;
  joined.pixels.insert(joined.pixels.end(), b.pixels.begin(), b.pixels.end());
  joined.labels.insert(joined.labels.end(), b.labels.begin(), b.labels.end());
  return joined;
}

absl::StatusOr<std::unique_ptr<const Dataset>> LoadDataset(
    const v1::DatasetSpec& spec) {
  RETURN_IF_ERROR(CheckSpec(spec));
  ASSIGN_OR_RETURN(RawDataset raw, ReadRaw(spec));
  v1::DatasetInfo info;
  info.set_name(std::string(DatasetKindName(spec.kind())));
  info.set_classes(static_cast<int>(raw.class_names.size()));
  info.mutable_class_names()->Assign(raw.class_names.begin(),
                                     raw.class_names.end());
  info.set_flip_allowed(raw.flip_allowed);
  ASSIGN_OR_RETURN(std::unique_ptr<Dataset> dataset,
                   SplitDataset(std::move(raw), spec));
  dataset->info = std::move(info);
  if (spec.image_size() > 0) {
    for (ImageSet* images :
         {&dataset->train, &dataset->arch, &dataset->val, &dataset->test}) {
      RETURN_IF_ERROR(ResizeImages(spec.image_size(), *images));
    }
  }
  DescribeSplits(*dataset);
  return dataset;
}

}  // namespace frostnas::nn

#include "nn/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/image_set.h"
#include "nn/data/names.h"
#include "nn/data/readers/test_files.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

v1::DatasetSpec Synthetic(int train, int test) {
  v1::DatasetSpec spec;
  spec.set_kind(v1::DATASET_KIND_SYNTHETIC);
  spec.set_seed(1);
  spec.set_train_images(train);
  spec.set_test_images(test);
  return spec;
}

// Four classes of ten flat pictures each; grey tells the file.
v1::DatasetSpec WriteFolder(const std::string& dir) {
  for (int i = 0; i < 40; ++i) {
    const auto grey = static_cast<uint8_t>(3 * i);
    const std::string name =
        std::to_string(i / 10) + "/" + std::to_string(100 + i) + ".png";
    WriteTestFile(dir, name, EncodePng(FlatPicture(8, 8, grey, grey, grey)));
  }
  v1::DatasetSpec spec;
  spec.set_kind(v1::DATASET_KIND_IMAGE_FOLDER);
  spec.set_data_dir(dir);
  spec.set_image_size(8);
  return spec;
}

TEST(DatasetTest, SplitsHaveTheAskedSizes) {
  v1::DatasetSpec spec = Synthetic(200, 30);
  ASSERT_OK_AND_ASSIGN(const auto defaults, LoadDataset(spec));
  EXPECT_EQ(defaults->train.count(), 160);
  EXPECT_EQ(defaults->arch.count(), 20);
  EXPECT_EQ(defaults->val.count(), 20);
  EXPECT_EQ(defaults->test.count(), 30);
  spec.set_arch_fraction(0.5);
  spec.set_val_fraction(0.25);
  ASSERT_OK_AND_ASSIGN(const auto asked, LoadDataset(spec));
  EXPECT_EQ(asked->train.count(), 50);
  EXPECT_EQ(asked->arch.count(), 100);
  EXPECT_EQ(asked->val.count(), 50);
}

TEST(DatasetTest, EveryImageIsInOneSplit) {
  ASSERT_OK_AND_ASSIGN(const TempDir temp, TempDir::Create());
  ASSERT_OK_AND_ASSIGN(const auto dataset,
                       LoadDataset(WriteFolder(temp.path())));
  EXPECT_EQ(dataset->test.count(), 8);  // 20 % of 40
  std::set<int> seen;
  for (const ImageSet* images :
       {&dataset->train, &dataset->arch, &dataset->val, &dataset->test}) {
    for (int i = 0; i < images->count(); ++i) {
      const int file = images->image(i)[0] / 3;
      EXPECT_TRUE(seen.insert(file).second) << file;
      EXPECT_EQ(images->labels[i], file / 10);
    }
  }
  EXPECT_EQ(seen.size(), 40u);
}

TEST(DatasetTest, SeedDecidesTheSplitsAndTheDigest) {
  ASSERT_OK_AND_ASSIGN(const TempDir temp, TempDir::Create());
  v1::DatasetSpec spec = WriteFolder(temp.path());
  ASSERT_OK_AND_ASSIGN(const auto first, LoadDataset(spec));
  ASSERT_OK_AND_ASSIGN(const auto again, LoadDataset(spec));
  EXPECT_EQ(first->info.SerializeAsString(), again->info.SerializeAsString());
  EXPECT_EQ(first->train.pixels, again->train.pixels);
  EXPECT_TRUE(IsSha256Hex(first->info.sha256()));
  spec.set_seed(1);
  ASSERT_OK_AND_ASSIGN(const auto other, LoadDataset(spec));
  EXPECT_NE(first->info.sha256(), other->info.sha256());
  EXPECT_NE(first->train.pixels, other->train.pixels);
  EXPECT_NE(first->test.pixels, other->test.pixels);
}

TEST(DatasetTest, TrainImagesAreTheFirstAfterTheShuffle) {
  ASSERT_OK_AND_ASSIGN(const TempDir temp, TempDir::Create());
  v1::DatasetSpec spec = WriteFolder(temp.path());
  ASSERT_OK_AND_ASSIGN(const auto all, LoadDataset(spec));
  spec.set_train_images(10);
  spec.set_test_images(3);
  ASSERT_OK_AND_ASSIGN(const auto some, LoadDataset(spec));
  EXPECT_EQ(some->train.count(), 8);
  EXPECT_EQ(some->test.count(), 3);
  const auto starts_with = [](const ImageSet& whole, const ImageSet& part) {
    return std::equal(part.pixels.begin(), part.pixels.end(),
                      whole.pixels.begin());
  };
  EXPECT_TRUE(starts_with(all->train, some->train));
  EXPECT_TRUE(starts_with(all->test, some->test));
  // More than there are: all.
  spec.set_train_images(1000);
  ASSERT_OK_AND_ASSIGN(const auto capped, LoadDataset(spec));
  EXPECT_EQ(capped->train.count(), all->train.count());
}

TEST(DatasetTest, InfoDescribesTheTrainingSplit) {
  ASSERT_OK_AND_ASSIGN(const auto dataset, LoadDataset(Synthetic(300, 20)));
  const v1::DatasetInfo& info = dataset->info;
  EXPECT_EQ(info.name(), "synthetic");
  EXPECT_EQ(info.classes(), 10);
  EXPECT_EQ(info.class_names_size(), 10);
  EXPECT_EQ(info.image_size(), 32);
  EXPECT_EQ(info.channels(), 3);
  EXPECT_EQ(info.train(), dataset->train.count());
  EXPECT_EQ(info.test(), 20);
  EXPECT_TRUE(info.flip_allowed());
  for (int c = 0; c < 3; ++c) {
    const std::vector<uint8_t>& pixels = dataset->train.pixels;
    double mean = 0, variance = 0;
    for (size_t i = c; i < pixels.size(); i += 3) mean += pixels[i] / 255.0;
    mean /= static_cast<double>(pixels.size()) / 3;
    for (size_t i = c; i < pixels.size(); i += 3) {
      variance += std::pow(pixels[i] / 255.0 - mean, 2);
    }
    variance /= static_cast<double>(pixels.size()) / 3;
    EXPECT_NEAR(info.mean(c), mean, 1e-6);
    EXPECT_NEAR(info.stddev(c), std::sqrt(variance), 1e-6);
  }
}

TEST(DatasetTest, ImagesAreResizedToTheAskedSize) {
  v1::DatasetSpec spec = Synthetic(20, 5);
  spec.set_image_size(16);
  ASSERT_OK_AND_ASSIGN(const auto dataset, LoadDataset(spec));
  EXPECT_EQ(dataset->info.image_size(), 16);
  EXPECT_EQ(dataset->val.size, 16);
  EXPECT_EQ(dataset->test.pixels.size(), 5u * 16 * 16 * 3);
}

TEST(DatasetTest, ConstantImagesHaveAPositiveDeviation) {
  ASSERT_OK_AND_ASSIGN(const TempDir temp, TempDir::Create());
  for (int i = 0; i < 20; ++i) {
    WriteTestFile(temp.path(),
                  std::to_string(i % 2) + "/" + std::to_string(i) + ".png",
                  EncodePng(FlatPicture(8, 8, 7, 7, 7)));
  }
  v1::DatasetSpec spec;
  spec.set_kind(v1::DATASET_KIND_IMAGE_FOLDER);
  spec.set_data_dir(temp.path());
  ASSERT_OK_AND_ASSIGN(const auto dataset, LoadDataset(spec));
  EXPECT_EQ(dataset->info.image_size(), 96);
  EXPECT_GT(dataset->info.stddev(0), 0.003);
}

TEST(DatasetTest, FieldsOutOfRangeAreNamed) {
  const auto expect_refused = [](const v1::DatasetSpec& spec,
                                 const std::string& field) {
    EXPECT_THAT(LoadDataset(spec),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  v1::DatasetSpec spec;
  expect_refused(spec, "kind");
  spec.set_kind(v1::DATASET_KIND_CIFAR10);
  expect_refused(spec, "data_dir");
  spec = Synthetic(-1, 10);
  expect_refused(spec, "train_images");
  spec = Synthetic(10, -1);
  expect_refused(spec, "test_images");
  spec = Synthetic(2000000000, 10);
  expect_refused(spec, "train_images");
  spec = Synthetic(2, 10);
  expect_refused(spec, "too few");
  spec = Synthetic(100, 10);
  spec.set_image_size(7);
  expect_refused(spec, "image_size");
  spec.set_image_size(0);
  spec.set_arch_fraction(0.6);
  expect_refused(spec, "arch_fraction");
  spec.set_arch_fraction(0.5);
  spec.set_val_fraction(std::nan(""));
  expect_refused(spec, "val_fraction");
  spec.set_val_fraction(0.5);
  expect_refused(spec, "too few");
}

TEST(DatasetNamesTest, EveryNameIsReadBack) {
  for (int kind = v1::DATASET_KIND_SYNTHETIC;
       kind <= v1::DATASET_KIND_IMAGE_FOLDER; ++kind) {
    const auto value = static_cast<v1::DatasetKind>(kind);
    EXPECT_THAT(ParseDatasetKind(DatasetKindName(value)), IsOkAndHolds(value));
  }
  EXPECT_EQ(DatasetKindName(v1::DATASET_KIND_UNSPECIFIED), "");
  EXPECT_EQ(DatasetKindNames(), "synthetic|cifar10|cifar100|idx|image_folder");
  EXPECT_THAT(ParseDatasetKind("mnist"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'mnist'"), HasSubstr("cifar10"))));
}

}  // namespace
}  // namespace frostnas::nn

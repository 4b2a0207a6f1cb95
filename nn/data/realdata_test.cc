// Reads whole public data sets below $FROSTNAS_SHARED_DATA and checks what is
// known of them.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/dataset.h"
#include "nn/data/image_set.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

v1::DatasetSpec Spec(v1::DatasetKind kind, const std::string& name) {
  const char* root = std::getenv("FROSTNAS_SHARED_DATA");
  EXPECT_NE(root, nullptr) << "set FROSTNAS_SHARED_DATA";
  v1::DatasetSpec spec;
  spec.set_kind(kind);
  spec.set_data_dir(JoinPath(root == nullptr ? "" : root, name));
  return spec;
}

// Images of each class over these sets.
std::vector<int> ClassCounts(const std::vector<const ImageSet*>& sets,
                             int classes) {
  std::vector<int> counts(static_cast<size_t>(classes));
  for (const ImageSet* images : sets) {
    for (const int label : images->labels) ++counts[label];
  }
  return counts;
}

TEST(RealDataTest, Cifar10) {
  ASSERT_OK_AND_ASSIGN(const auto dataset,
                       LoadDataset(Spec(v1::DATASET_KIND_CIFAR10, "cifar10")));
  const v1::DatasetInfo& info = dataset->info;
  EXPECT_EQ(info.train() + info.arch() + info.val(), 30000);
  EXPECT_EQ(info.train(), 24000);
  EXPECT_EQ(info.test(), 10000);
  EXPECT_EQ(info.class_names(0), "airplane");
  EXPECT_EQ(info.class_names(9), "truck");
  EXPECT_THAT(ClassCounts({&dataset->test}, 10), Each(1000));
  // Known of all 50 000: mean 0.4914, 0.4822, 0.4465, deviation 0.2470, 0.2435,
  // 0.2616.
  EXPECT_NEAR(info.mean(0), 0.4914, 0.003);
  EXPECT_NEAR(info.mean(1), 0.4822, 0.003);
  EXPECT_NEAR(info.mean(2), 0.4465, 0.003);
  EXPECT_NEAR(info.stddev(0), 0.2470, 0.003);
  EXPECT_NEAR(info.stddev(1), 0.2435, 0.003);
  EXPECT_NEAR(info.stddev(2), 0.2616, 0.003);
}

TEST(RealDataTest, FashionMnist) {
  ASSERT_OK_AND_ASSIGN(
      const auto dataset,
      LoadDataset(Spec(v1::DATASET_KIND_IDX, "fashion_mnist")));
  const v1::DatasetInfo& info = dataset->info;
  EXPECT_EQ(info.train() + info.arch() + info.val(), 60000);
  EXPECT_EQ(info.test(), 10000);
  EXPECT_EQ(info.image_size(), 28);
  EXPECT_EQ(info.channels(), 1);
  EXPECT_THAT(ClassCounts({&dataset->train, &dataset->arch, &dataset->val}, 10),
              Each(6000));
  EXPECT_THAT(ClassCounts({&dataset->test}, 10), Each(1000));
  EXPECT_NEAR(info.mean(0), 0.2860, 0.002);
  EXPECT_NEAR(info.stddev(0), 0.3530, 0.002);
}

TEST(RealDataTest, TrashNet) {
  ASSERT_OK_AND_ASSIGN(
      const auto dataset,
      LoadDataset(Spec(v1::DATASET_KIND_IMAGE_FOLDER, "trashnet96")));
  const v1::DatasetInfo& info = dataset->info;
  EXPECT_EQ(info.train() + info.arch() + info.val() + info.test(), 2527);
  EXPECT_EQ(info.test(), 505);
  EXPECT_EQ(info.image_size(), 96);
  EXPECT_THAT(info.class_names(), ElementsAre("cardboard", "glass", "metal",
                                              "paper", "plastic", "trash"));
  // As its authors count them.
  EXPECT_THAT(
      ClassCounts(
          {&dataset->train, &dataset->arch, &dataset->val, &dataset->test}, 6),
      ElementsAre(403, 501, 410, 594, 482, 137));
}

}  // namespace
}  // namespace frostnas::nn

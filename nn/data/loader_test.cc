#include "nn/data/loader.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/augment.h"
#include "nn/data/image_set.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

using ::testing::ElementsAre;

constexpr int kSize = 8;

// Images of distinct values; label i for image i.
ImageSet MakeImages(int count, int channels) {
  ImageSet images = {.size = kSize, .channels = channels};
  Random random(3);
  for (int i = 0; i < count; ++i) {
    images.labels.push_back(i);
    for (int p = 0; p < kSize * kSize * channels; ++p) {
      images.pixels.push_back(static_cast<uint8_t>(random.UniformInt(256)));
    }
  }
  return images;
}

v1::DatasetInfo MakeInfo(int channels) {
  v1::DatasetInfo info;
  info.set_image_size(kSize);
  info.set_channels(channels);
  for (int c = 0; c < channels; ++c) {
    info.add_mean(0.3f + 0.1f * static_cast<float>(c));
    info.add_stddev(0.2f + 0.05f * static_cast<float>(c));
  }
  return info;
}

struct Position {
  int y = 0;
  int x = 0;
  int channel = 0;
};

// The definition, one value of image `index` at a time.
float Expected(const ImageSet& images, const v1::DatasetInfo& info, int index,
               const Change& change, const Position& at) {
  if (at.y >= change.cut_top && at.y < change.cut_top + change.cut_side &&
      at.x >= change.cut_left && at.x < change.cut_left + change.cut_side) {
    return 0;
  }
  const int row = at.y + change.top;
  const int column = (change.flip ? kSize - 1 - at.x : at.x) + change.left;
  if (row < 0 || row >= kSize || column < 0 || column >= kSize) return 0;
  const int value = images.image(
      index)[(row * kSize + column) * images.channels + at.channel];
  return (static_cast<float>(value) / 255 - info.mean(at.channel)) /
         info.stddev(at.channel);
}

TEST(NormalizerTest, WritesWhatTheChangeSays) {
  for (const int channels : {1, 3}) {
    const ImageSet images = MakeImages(1, channels);
    const v1::DatasetInfo info = MakeInfo(channels);
    const Normalizer normalizer(info);
    for (const Change& change : std::vector<Change>{
             {},
             {.flip = true},
             {.top = 2, .left = -3},
             {.top = -1, .left = 2, .flip = true},
             {.top = -8, .left = 8},
             {.cut_top = -1, .cut_left = 5, .cut_side = 4},
             {.left = 1, .flip = true, .cut_top = 3, .cut_side = 2}}) {
      std::vector<float> dst(kSize * kSize * channels, -99);
      normalizer.Write(images.image(0), change, dst.data());
      for (int y = 0; y < kSize; ++y) {
        for (int x = 0; x < kSize; ++x) {
          for (int c = 0; c < channels; ++c) {
            EXPECT_NEAR(dst[(y * kSize + x) * channels + c],
                        Expected(images, info, 0, change, {y, x, c}), 1e-5);
          }
        }
      }
    }
  }
}

TEST(DrawChangeTest, CoversWhatTheAugmentationAllows) {
  Random random(1);
  std::set<int> tops, lefts, cut_tops;
  int flips = 0;
  for (int i = 0; i < 2000; ++i) {
    const Change change = DrawChange(
        {.crop_padding = 2, .flip = true, .cutout = 4}, kSize, random);
    tops.insert(change.top);
    lefts.insert(change.left);
    cut_tops.insert(change.cut_top);
    flips += change.flip;
    EXPECT_EQ(change.cut_side, 4);
  }
  EXPECT_THAT(tops, ElementsAre(-2, -1, 0, 1, 2));
  EXPECT_THAT(lefts, ElementsAre(-2, -1, 0, 1, 2));
  EXPECT_THAT(cut_tops, ElementsAre(-2, -1, 0, 1, 2, 3, 4, 5));
  EXPECT_NEAR(flips, 1000, 120);
  const Change none = DrawChange({}, kSize, random);
  EXPECT_EQ(none.top, 0);
  EXPECT_FALSE(none.flip);
  EXPECT_EQ(none.cut_side, 0);
}

// Labels and pixels of one epoch.
struct Epoch {
  std::vector<int> sizes;
  std::vector<int> labels;
  std::vector<float> values;
  friend bool operator==(const Epoch&, const Epoch&) = default;
};

Epoch Walk(Loader& loader, int epoch) {
  Epoch walked;
  loader.StartEpoch(epoch);
  while (const Batch* batch = loader.Next()) {
    walked.sizes.push_back(batch->images.shape().n);
    walked.labels.insert(walked.labels.end(), batch->labels.begin(),
                         batch->labels.end());
    const auto values = batch->images.span();
    walked.values.insert(walked.values.end(), values.begin(), values.end());
  }
  return walked;
}

TEST(LoaderTest, GivesEveryImageOnceAnEpoch) {
  const ImageSet images = MakeImages(10, 3);
  const v1::DatasetInfo info = MakeInfo(3);
  Loader whole(images, info, {.batch = 4, .drop_last = false});
  EXPECT_EQ(whole.batches(), 3);
  Epoch epoch = Walk(whole, 0);
  EXPECT_THAT(epoch.sizes, ElementsAre(4, 4, 2));
  EXPECT_EQ(whole.Next(), nullptr);
  std::sort(epoch.labels.begin(), epoch.labels.end());
  EXPECT_THAT(epoch.labels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));

  Loader dropped(images, info, {.batch = 4});
  EXPECT_EQ(dropped.batches(), 2);
  EXPECT_THAT(Walk(dropped, 0).sizes, ElementsAre(4, 4));

  Loader ordered(images, info,
                 {.batch = 5, .shuffle = false, .drop_last = false});
  EXPECT_THAT(Walk(ordered, 3).labels,
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(LoaderTest, ImagesAreThoseOfTheirLabels) {
  const ImageSet images = MakeImages(6, 3);
  const v1::DatasetInfo info = MakeInfo(3);
  Loader loader(images, info, {.batch = 2, .seed = 5});
  loader.StartEpoch(0);
  while (const Batch* batch = loader.Next()) {
    for (int i = 0; i < 2; ++i) {
      const float* at = batch->images.data() + i * images.image_bytes();
      EXPECT_NEAR(at[(2 * kSize + 5) * 3 + 1],
                  Expected(images, info, batch->labels[i], {}, {2, 5, 1}),
                  1e-5);
    }
  }
}

TEST(LoaderTest, WhatItYieldsDependsOnSeedAndEpochOnly) {
  const ImageSet images = MakeImages(40, 3);
  const v1::DatasetInfo info = MakeInfo(3);
  LoaderOptions options = {
      .batch = 8,
      .augmentation = {.crop_padding = 2, .flip = true, .cutout = 2},
      .seed = 9};
  Loader first(images, info, options);
  Loader second(images, info, options);
  const Epoch zero = Walk(first, 0);
  const Epoch one = Walk(first, 1);
  EXPECT_NE(zero, one);
  // Epochs in another order, and one left half way.
  EXPECT_EQ(Walk(second, 1), one);
  second.StartEpoch(7);
  ASSERT_NE(second.Next(), nullptr);
  ASSERT_NE(second.Next(), nullptr);
  EXPECT_EQ(Walk(second, 0), zero);
  options.seed = 10;
  Loader other(images, info, options);
  EXPECT_NE(Walk(other, 0), zero);
}

TEST(LoaderTest, AnImageChangesAlikeInAnyBatchSize) {
  const ImageSet images = MakeImages(12, 1);
  const v1::DatasetInfo info = MakeInfo(1);
  LoaderOptions options = {.batch = 12,
                           .augmentation = {.crop_padding = 2, .flip = true}};
  Loader large(images, info, options);
  options.batch = 3;
  Loader small(images, info, options);
  EXPECT_EQ(Walk(large, 2).values, Walk(small, 2).values);
}

TEST(LoaderTest, ManyEpochsLeftAtOnceDoNotBlock) {
  const ImageSet images = MakeImages(64, 3);
  const v1::DatasetInfo info = MakeInfo(3);
  Loader loader(images, info, {.batch = 2});
  for (int epoch = 0; epoch < 300; ++epoch) {
    loader.StartEpoch(epoch);
    for (int i = 0; i < epoch % 7; ++i) ASSERT_NE(loader.Next(), nullptr);
  }
  EXPECT_EQ(Walk(loader, 0).labels.size(), 64u);
  EXPECT_GE(loader.wait_share(), 0);
  EXPECT_LE(loader.wait_share(), 1);
}

TEST(LoaderTest, NothingToGiveIsAnEmptyEpoch) {
  const ImageSet images = MakeImages(3, 1);
  const v1::DatasetInfo info = MakeInfo(1);
  Loader loader(images, info, {.batch = 4});
  EXPECT_EQ(loader.batches(), 0);
  loader.StartEpoch(0);
  EXPECT_EQ(loader.Next(), nullptr);
}

TEST(StandardAugmentationTest, FollowsSizeAndLabels) {
  v1::DatasetInfo info = MakeInfo(3);
  info.set_image_size(32);
  EXPECT_FALSE(StandardAugmentation(info, 100).flip);
  info.set_flip_allowed(true);
  const Augmentation augmentation = StandardAugmentation(info, 100);
  EXPECT_TRUE(augmentation.flip);
  EXPECT_EQ(augmentation.crop_padding, 4);
  EXPECT_EQ(augmentation.cutout, 8);
  EXPECT_TRUE(StandardAugmentation(info, 10).flip);
  EXPECT_EQ(StandardAugmentation(info, 10).crop_padding, 2);
  EXPECT_EQ(StandardAugmentation(info, 10).cutout, 0);
}

}  // namespace
}  // namespace frostnas::nn

#include "deploy/input_scaling.h"

#include <cmath>

#include "base/random.h"
#include "base/status_matchers.h"
#include "deploy/testing/packages.h"
#include "gtest/gtest.h"
#include "quant/graph_executor.h"
#include "quant/testing/architectures.h"

namespace frostnas::deploy {
namespace {

// A package's channels with the tables that executors use.
std::vector<ChannelTransform> Channels(const v1::Package& package) {
  const auto network = quant::MakeExecutable(package);
  EXPECT_OK(network);
  std::vector<ChannelTransform> channels;
  for (int c = 0; c < package.input().mean_size(); ++c) {
    channels.push_back({.mean = package.input().mean(c),
                        .stddev = package.input().stddev(c),
                        .table = network->input_table[c],
                        .grid = package.input().grid()});
  }
  return channels;
}

int Mismatches(const ChannelTransform& channel) {
  const PixelScaling scaling = FoldNormalization(channel);
  int mismatches = 0;
  for (int pixel = 0; pixel < 256; ++pixel) {
    mismatches +=
        StoredPixel(scaling, pixel, channel.grid) != channel.table[pixel];
  }
  return mismatches;
}

TEST(InputScalingTest, EveryPixelValueIsStoredAsByTheExecutor) {
  Random random(1);
  v1::Package package = HandMadePackage();
  for (int i = 0; i < 300; ++i) {
    for (int c = 0; c < 3; ++c) {
      package.mutable_input()->set_mean(c, random.Uniform(0, 1));
      package.mutable_input()->set_stddev(c, random.Uniform(0.05, 1));
    }
    v1::ActivationGrid& grid = *package.mutable_input()->mutable_grid();
    grid.set_scale(random.Uniform(0.002, 0.05));
    grid.set_zero_point(random.UniformInt(256));
    for (const ChannelTransform& channel : Channels(package)) {
      ASSERT_EQ(Mismatches(channel), 0)
          << "mean " << channel.mean << ", stddev " << channel.stddev << ", "
          << grid.ShortDebugString();
    }
  }
}

TEST(InputScalingTest, PixelsHalfwayBetweenTwoStepsAreOneStepOffAtMost) {
  v1::Package package = HandMadePackage();
  for (int c = 0; c < 3; ++c) {
    package.mutable_input()->set_mean(c, 0);
    package.mutable_input()->set_stddev(c, 1);
  }
  package.mutable_input()->mutable_grid()->set_scale(2.0f / 255);
  const ChannelTransform channel = Channels(package)[0];
  const PixelScaling scaling = FoldNormalization(channel);
  for (int pixel = 0; pixel < 256; ++pixel) {
    EXPECT_NEAR(StoredPixel(scaling, pixel, channel.grid), channel.table[pixel],
                1);
  }
}

TEST(InputScalingTest, WhatFloatsCannotHoldIsNotFinite) {
  ChannelTransform channel = Channels(HandMadePackage())[0];
  channel.mean = 1e30;
  channel.stddev = 1e-30;
  EXPECT_FALSE(std::isfinite(FoldNormalization(channel).offset));
}

}  // namespace
}  // namespace frostnas::deploy

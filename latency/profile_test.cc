#include "latency/profile.h"

#include <cstddef>
#include <string>
#include <vector>

#include "arch/op_key.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::OpKey Op(const std::string& kind, int in, int out) {
  v1::OpKey op;
  op.set_kind(kind);
  op.set_in_size(8);
  op.set_in_channels(in);
  op.set_out_channels(out);
  op.set_kernel(1);
  op.set_stride(1);
  op.set_activation(v1::ACTIVATION_NONE);
  return op;
}

// A device on which a layer takes 10 ns for every output channel, and a work
// is that number.
class FakeBench {
 public:
  MakeWork make_work() {
    return [this](const arch::Graph& graph) -> absl::StatusOr<WorkCopies> {
      double ns = 0;
      for (const arch::Layer& layer : graph.layers) {
        ns += 10 * layer.out.channels;
      }
      if (ns == 10 * refused_channels) {
        return absl::InvalidArgumentError("cannot run this");
      }
      return WorkCopies{[this, ns] { last_ns_ = ns; }};
    };
  }
  MeasureWorks measure() {
    return [this](absl::Span<const WorkCopies> works) {
      group_sizes.push_back(static_cast<int>(works.size()));
      MeasureResult result;
      for (const WorkCopies& work : works) {
        work[0]();
        result.works.push_back({.samples_ns = {1, 2, 3},
                                .median_ns = last_ns_,
                                .ci_low_ns = last_ns_ - 2,
                                .ci_high_ns = last_ns_ + 4});
      }
      return absl::StatusOr<MeasureResult>(result);
    };
  }

  std::vector<int> group_sizes;
  int refused_channels = -1;

 private:
  double last_ns_ = 0;
};

class ProfileTest : public testing::Test {
 protected:
  absl::Status Profile(const std::vector<v1::OpKey>& ops, int group) {
    return ProfileOps(ops, group, bench_.make_work(), bench_.measure(),
                      [this](const v1::OpLatency& entry) {
                        entries_.push_back(entry);
                        return done_;
                      });
  }

  FakeBench bench_;
  std::vector<v1::OpLatency> entries_;
  absl::Status done_;
};

TEST_F(ProfileTest, MeasuresInGroupsAndInOrder) {
  std::vector<v1::OpKey> ops;
  for (int out = 1; out <= 5; ++out) ops.push_back(Op("conv", 4, out));
  ASSERT_OK(Profile(ops, 2));
  EXPECT_THAT(bench_.group_sizes, ElementsAre(2, 2, 1));
  ASSERT_EQ(entries_.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(arch::OpKeyText(entries_[i].op()), arch::OpKeyText(ops[i]));
    EXPECT_EQ(entries_[i].median_ns(), 10 * (i + 1));
    EXPECT_EQ(entries_[i].error_ns(), 3);
    EXPECT_EQ(entries_[i].samples(), 3);
  }
}

TEST_F(ProfileTest, ConcatIsTheDifferenceToTheConvolutionBeforeIt) {
  ASSERT_OK(Profile({Op("concat", 8, 40), Op("conv", 4, 6)}, 2));
  ASSERT_EQ(entries_.size(), 2u);
  EXPECT_EQ(entries_[0].median_ns(), 400);
  EXPECT_EQ(entries_[0].error_ns(), 6);
  EXPECT_EQ(entries_[1].median_ns(), 60);
}

TEST_F(ProfileTest, WhatCameBeforeAFaultIsDelivered) {
  bench_.refused_channels = 3;
  EXPECT_THAT(
      Profile({Op("conv", 4, 1), Op("conv", 4, 2), Op("conv", 4, 3)}, 1),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          testing::AllOf(HasSubstr("out=3"), HasSubstr("cannot run this"))));
  EXPECT_EQ(entries_.size(), 2u);
}

TEST_F(ProfileTest, EndsWhenTheCallbackDoes) {
  done_ = absl::UnavailableError("the store is gone");
  EXPECT_THAT(Profile({Op("conv", 4, 1), Op("conv", 4, 2)}, 1),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(entries_.size(), 1u);
}

TEST_F(ProfileTest, RefusesOpsThatAPeerShouldNotAskFor) {
  EXPECT_THAT(Profile({Op("fft", 4, 4)}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fft")));
  EXPECT_THAT(Profile({Op("conv", 100000, 100000)}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("more than an op may have")));
  EXPECT_THAT(Profile({Op("concat", 40000, 100000)}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(NetworksOfTest, GiveEachOpItsInputs) {
  ASSERT_OK_AND_ASSIGN(const OpNetworks add, NetworksOf(Op("add", 16, 16)));
  EXPECT_TRUE(add.without.layers.empty());
  ASSERT_EQ(add.with.layers.size(), 1u);
  EXPECT_EQ(add.with.input, (arch::FeatureShape{8, 16}));
  ASSERT_OK_AND_ASSIGN(const OpNetworks concat,
                       NetworksOf(Op("concat", 8, 40)));
  EXPECT_EQ(concat.with.input, (arch::FeatureShape{8, 32}));
  ASSERT_EQ(concat.with.layers.size(), 2u);
  EXPECT_THAT(concat.with.layers[1].inputs, ElementsAre(0, arch::kGraphInput));
  EXPECT_EQ(concat.with.layers[0].out, concat.with.layers[1].in);
  ASSERT_EQ(concat.without.layers.size(), 1u);
}

}  // namespace
}  // namespace frostnas::latency

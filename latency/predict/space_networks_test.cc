#include "latency/predict/space_networks.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "arch/op_key.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/testing/synthetic_device.h"
#include "quant/package.h"

namespace frostnas::latency {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class SpaceNetworksTest : public testing::Test {
 protected:
  SpaceNetworksTest() : device_({}), table_(device_.Describe(), 1, 1) {
    EXPECT_OK(device_.ProfileOps(
        arch::DistinctOps(space_), {},
        [this](const v1::OpLatency& op) { return table_.Add(op); }, {}));
  }

  void Add(const SpaceNetwork& network, bool held_out) {
    ASSERT_OK(table_.AddNetwork(
        {.graph = network.graph,
         .median_ns = std::llround(device_.NetworkNs(network.graph)),
         .held_out = held_out,
         .choice = network.choice}));
  }

  static std::vector<std::string> Digests(
      const std::vector<SpaceNetwork>& networks) {
    std::vector<std::string> digests;
    for (const auto& each : networks) digests.push_back(each.arch_sha256);
    return digests;
  }

  const arch::SearchSpace space_ = SyntheticSpace();
  SyntheticDevice device_;
  LatencyTable table_;
};

TEST_F(SpaceNetworksTest, AShortPickBeginsALongOne) {
  ASSERT_OK_AND_ASSIGN(const auto many, PickForFit(space_, table_, 20, 1));
  ASSERT_OK_AND_ASSIGN(const auto few, PickForFit(space_, table_, 6, 1));
  std::vector<std::string> begin = Digests(many);
  EXPECT_EQ(std::set<std::string>(begin.begin(), begin.end()).size(), 20u);
  begin.resize(6);
  EXPECT_EQ(Digests(few), begin);
}

TEST_F(SpaceNetworksTest, BeginsWithTheCheapestAndTheDearest) {
  ASSERT_OK_AND_ASSIGN(const auto picked, PickForFit(space_, table_, 30, 1));
  std::vector<double> ns;
  for (const auto& each : picked) ns.push_back(device_.NetworkNs(each.graph));
  EXPECT_EQ(std::min_element(ns.begin(), ns.end()), ns.begin());
  EXPECT_EQ(std::max_element(ns.begin(), ns.end()), ns.begin() + 1);
}

TEST_F(SpaceNetworksTest, PicksWhatIsMissingOnly) {
  ASSERT_OK_AND_ASSIGN(const auto all, PickForFit(space_, table_, 8, 1));
  for (int i = 0; i < 5; ++i) Add(all[i], /*held_out=*/false);
  ASSERT_OK_AND_ASSIGN(const auto measured,
                       MeasuredNetworks(space_, table_, /*held_out=*/false));
  EXPECT_THAT(measured, SizeIs(5));
  ASSERT_OK_AND_ASSIGN(const auto rest, PickForFit(space_, table_, 8, 1));
  EXPECT_THAT(rest, SizeIs(3));
  for (const auto& each : rest) {
    EXPECT_EQ(table_.FindNetwork(each.arch_sha256), nullptr);
  }
  EXPECT_THAT(PickForFit(space_, table_, 5, 1), IsOkAndHolds(IsEmpty()));
}

TEST_F(SpaceNetworksTest, HoldsOutOtherNetworks) {
  ASSERT_OK_AND_ASSIGN(const auto fit, PickForFit(space_, table_, 4, 1));
  for (const auto& each : fit) Add(each, /*held_out=*/false);
  ASSERT_OK_AND_ASSIGN(const auto held_out,
                       PickToHoldOut(space_, table_, 10, 1));
  EXPECT_THAT(held_out, SizeIs(10));
  for (const auto& each : held_out) Add(each, /*held_out=*/true);
  EXPECT_THAT(PickToHoldOut(space_, table_, 10, 1), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(PickToHoldOut(space_, table_, 12, 1), IsOkAndHolds(SizeIs(2)));
  EXPECT_THAT(MeasuredNetworks(space_, table_, /*held_out=*/true),
              IsOkAndHolds(SizeIs(10)));
  EXPECT_EQ(table_.calibration().networks(), 4);
}

TEST_F(SpaceNetworksTest, NetworksOfOtherSizesAreOfAnotherSpace) {
  ASSERT_OK_AND_ASSIGN(const auto fit, PickForFit(space_, table_, 3, 1));
  for (const auto& each : fit) Add(each, /*held_out=*/false);
  ASSERT_OK_AND_ASSIGN(
      const arch::SearchSpace larger,
      arch::SearchSpace::Create(space_.spec(), {.input_size = 24}));
  EXPECT_THAT(MeasuredNetworks(larger, table_, /*held_out=*/false),
              IsOkAndHolds(IsEmpty()));
}

TEST_F(SpaceNetworksTest, RandomPackagesAreValid) {
  ASSERT_OK_AND_ASSIGN(const auto picked, PickForFit(space_, table_, 1, 1));
  EXPECT_OK(quant::ValidatePackage(RandomPackage(picked[0], 1)));
}

}  // namespace
}  // namespace frostnas::latency

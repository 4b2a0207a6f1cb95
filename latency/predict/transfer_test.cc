#include "latency/predict/transfer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "arch/op_key.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/testing/synthetic_device.h"

namespace frostnas::latency {
namespace {

using ::testing::IsEmpty;

// Three times as fast on dense layers, five times on depthwise ones, with calls
// that cost more.
SyntheticCosts Phone() {
  return {.name = "phone",
          .call_ns = 900,
          .ns_per_mac = 0.03,
          .depthwise_ns_per_mac = 0.2,
          .ns_per_weight_byte = 0.1};
}

LatencyTable TableOf(SyntheticDevice& device,
                     const std::vector<v1::OpKey>& ops) {
  LatencyTable table(device.Describe(), 1, 1);
  EXPECT_OK(device.ProfileOps(
      ops, {}, [&](const v1::OpLatency& op) { return table.Add(op); }, {}));
  return table;
}

class TransferTest : public testing::Test {
 protected:
  TransferTest()
      : ops_(arch::DistinctOps(SyntheticSpace())),
        known_({TableOf(host_, ops_)}) {}

  const std::vector<v1::OpKey> ops_;
  SyntheticDevice host_{SyntheticCosts()};
  SyntheticDevice phone_{Phone()};
  std::vector<LatencyTable> known_;
};

TEST_F(TransferTest, InfersMostOpsFromAFew) {
  ASSERT_OK_AND_ASSIGN(const auto first, PickOps(known_, ops_, 24));
  ASSERT_EQ(first.size(), 24u);
  const LatencyTable table = TableOf(phone_, first);
  ASSERT_OK_AND_ASSIGN(const auto inferred, InferOps(known_, table, ops_));
  ASSERT_EQ(inferred.size() + first.size(), ops_.size());
  double mape = 0;
  int held = 0;
  for (const v1::OpLatency& op : inferred) {
    EXPECT_EQ(op.samples(), 0);
    EXPECT_GT(op.error_ns(), 0);
    const double ns = phone_.OpNs(op.op());
    mape += std::abs(op.median_ns() / ns - 1) / inferred.size();
    held += std::abs(op.median_ns() - ns) <= op.error_ns();
  }
  EXPECT_LT(mape, 0.08);
  EXPECT_GE(held, 0.9 * inferred.size());
}

TEST_F(TransferTest, MoreOpsMakeItSurer) {
  ASSERT_OK_AND_ASSIGN(const auto few, PickOps(known_, ops_, 8));
  ASSERT_OK_AND_ASSIGN(const auto many, PickOps(known_, ops_, 60));
  const auto mean_error = [&](const std::vector<v1::OpKey>& measured) {
    const auto inferred = *InferOps(known_, TableOf(phone_, measured), ops_);
    double sum = 0;
    for (const v1::OpLatency& op : inferred) {
      sum += static_cast<double>(op.error_ns()) / op.median_ns();
    }
    return sum / inferred.size();
  };
  EXPECT_LT(mean_error(many), 0.8 * mean_error(few));
}

TEST_F(TransferTest, PicksEveryKindAndWhatTheKnownTableLacks) {
  LatencyTable part(host_.Describe(), 1, 1);
  for (size_t i = 3; i < ops_.size(); ++i) {
    ASSERT_OK(part.Add(*known_[0].Find(ops_[i])));
  }
  known_[0] = part;
  ASSERT_OK_AND_ASSIGN(const auto picked, PickOps(known_, ops_, 20));
  ASSERT_EQ(picked.size(), 23u);
  std::set<std::string> kinds;
  for (const v1::OpKey& op : picked) kinds.insert(op.kind());
  EXPECT_THAT(kinds, testing::IsSupersetOf({"conv", "depthwise", "concat"}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(arch::OpKeyText(picked[i]), arch::OpKeyText(ops_[i]));
  }
  // What no known device has cannot be inferred.
  EXPECT_THAT(InferOps(known_, part, {ops_[0]}), IsOkAndHolds(IsEmpty()));
}

// The second known device is the new one's twin but for its clock.
TEST_F(TransferTest, TakesTheLikenessOfAnotherDevice) {
  SyntheticCosts faster = Phone();
  faster.call_ns /= 2;
  faster.ns_per_mac /= 2;
  faster.depthwise_ns_per_mac /= 2;
  faster.ns_per_weight_byte /= 2;
  SyntheticDevice twin(faster);
  ASSERT_OK_AND_ASSIGN(const auto first, PickOps(known_, ops_, 8));
  const LatencyTable table = TableOf(phone_, first);
  const auto mape = [&] {
    const auto inferred = *InferOps(known_, table, ops_);
    double sum = 0;
    for (const v1::OpLatency& op : inferred) {
      sum += std::abs(op.median_ns() / phone_.OpNs(op.op()) - 1);
    }
    return sum / inferred.size();
  };
  const double alone = mape();
  known_.push_back(TableOf(twin, ops_));
  EXPECT_LT(mape(), alone);
}

}  // namespace
}  // namespace frostnas::latency

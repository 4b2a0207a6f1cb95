#include "latency/reference_network.h"

#include <cstdint>

#include "absl/status/status.h"
#include "arch/cost.h"
#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

int64_t MacsOf(int size) {
  return arch::GraphCost(
             arch::ExpandArchitecture(ReferenceArchitecture(size)).value())
      .macs;
}

TEST(ReferenceNetworkTest, IsAsLargeAsWhatItRunsBeside) {
  EXPECT_EQ(ReferenceSizeFor(0), kSmallReference);
  EXPECT_EQ(ReferenceSizeFor(28), kSmallReference);
  EXPECT_EQ(ReferenceSizeFor(63), kSmallReference);
  EXPECT_EQ(ReferenceSizeFor(64), 64);
  EXPECT_EQ(ReferenceSizeFor(224), 224);
}

// Those that full speeds in tables are of.
TEST(ReferenceNetworkTest, StaysWhatItIs) {
  EXPECT_EQ(MacsOf(kSmallReference), 10641344);
  EXPECT_EQ(MacsOf(224), 22317984);
}

TEST(ReferenceNetworkTest, RefusesOtherSizes) {
  EXPECT_OK(CheckReferenceSize(kSmallReference));
  EXPECT_OK(CheckReferenceSize(224));
  for (const int size : {-1, 0, 33, 1 << 20}) {
    EXPECT_THAT(CheckReferenceSize(size),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace frostnas::latency

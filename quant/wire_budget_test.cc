#include "quant/wire_budget.h"

#include <string>

#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::quant {
namespace {

absl::Status Check(absl::string_view bytes, int64_t max_objects) {
  return CheckWireBudget(v1::Package::descriptor(), bytes, max_objects);
}

TEST(WireBudgetTest, CountsSubmessagesAndStringsAtEveryDepth) {
  v1::Package package;
  for (int i = 0; i < 3; ++i) {
    package.mutable_architecture()->add_blocks()->set_name("b");
  }
  package.add_layers()->mutable_output();
  // architecture, 3 blocks, 3 names, layer, its output.
  const std::string bytes = package.SerializeAsString();
  EXPECT_OK(Check(bytes, 9));
  EXPECT_THAT(Check(bytes, 8), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(WireBudgetTest, RefusesWhatIsNotWireFormat) {
  EXPECT_OK(Check("", 0));
  // A length beyond the end, an unfinished tag, a field number of 0, an end
  // of a group that never began.
  for (const char* bytes : {"\x22\x7f", "\xff\xff\xff", "\x02\x01", "\x0c"}) {
    EXPECT_THAT(Check(bytes, 100), StatusIs(absl::StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace frostnas::quant

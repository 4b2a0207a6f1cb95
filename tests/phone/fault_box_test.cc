#include "tests/phone/fault_box.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::phone {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(60);

class FaultBoxTest : public ::testing::Test {
 protected:
  std::vector<std::string> events() {
    absl::MutexLock lock(&mutex_);
    return events_;
  }

  absl::Mutex mutex_;
  std::vector<std::string> events_;
  FaultBox box_{[this](const Fault& fault, FaultBox::Event event) {
    absl::MutexLock lock(&mutex_);
    events_.push_back(
        absl::StrCat(FaultName(fault.kind),
                     event == FaultBox::Event::kBegins ? " begins" : " ends"));
  }};
};

TEST_F(FaultBoxTest, AnOperationsFaultIsTakenSoManyTimes) {
  box_.Inject({.kind = FaultKind::kCorruptPush, .times = 2});
  EXPECT_EQ(box_.Take(FaultKind::kDisconnectPush), std::nullopt);
  EXPECT_NE(box_.Take(FaultKind::kCorruptPush), std::nullopt);
  EXPECT_NE(box_.Take(FaultKind::kCorruptPush), std::nullopt);
  EXPECT_EQ(box_.Take(FaultKind::kCorruptPush), std::nullopt);
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_THAT(box_.Taken(),
              ElementsAre(FaultKind::kCorruptPush, FaultKind::kCorruptPush));
}

TEST_F(FaultBoxTest, AnOperationsFaultExpires) {
  box_.Inject(
      {.kind = FaultKind::kHangShell, .expires = absl::Milliseconds(1)});
  EXPECT_TRUE(box_.AwaitEmpty(kLong));
  EXPECT_EQ(box_.Take(FaultKind::kHangShell), std::nullopt);
}

TEST_F(FaultBoxTest, AFaultFitsItsCommandOnly) {
  box_.Inject({.kind = FaultKind::kHangShell, .command = "runner"});
  EXPECT_EQ(box_.Take(FaultKind::kHangShell, "cat x"), std::nullopt);
  EXPECT_NE(box_.Take(FaultKind::kHangShell, "./runner --x"), std::nullopt);
}

TEST_F(FaultBoxTest, AStateBeginsAtOnceAndEndsByItself) {
  box_.Inject({.kind = FaultKind::kHot, .duration = absl::Milliseconds(20)});
  EXPECT_THAT(events()[0], "hot begins");
  EXPECT_TRUE(box_.AwaitEmpty(kLong));
  // An event may still be on its way when the box is empty; the next call
  // comes after it.
  box_.Clear();
  EXPECT_THAT(events(), ElementsAre("hot begins", "hot ends"));
}

TEST_F(FaultBoxTest, DelaysKeepTheirOrder) {
  box_.Inject({.kind = FaultKind::kHot,
               .duration = kLong,
               .delay = absl::Milliseconds(20)});
  box_.Inject({.kind = FaultKind::kHang,
               .duration = kLong,
               .delay = absl::Milliseconds(10)});
  while (events().size() < 2) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_THAT(events(), ElementsAre("hang begins", "hot begins"));
  EXPECT_EQ(box_.Holding().size(), 2u);
}

TEST_F(FaultBoxTest, AStateMayWaitForAProgram) {
  box_.Inject({.kind = FaultKind::kHot,
               .duration = kLong,
               .at_next_program = true,
               .command = "runner"});
  box_.ProgramStarts("other");
  EXPECT_THAT(events(), IsEmpty());
  box_.ProgramStarts("runner");
  EXPECT_THAT(events(), ElementsAre("hot begins"));
}

TEST_F(FaultBoxTest, ClearEndsWhatHoldsAndForgetsTheRest) {
  box_.Inject({.kind = FaultKind::kHot, .duration = kLong});
  box_.Inject({.kind = FaultKind::kHang, .duration = kLong, .delay = kLong});
  box_.Inject({.kind = FaultKind::kCorruptPush});
  box_.Clear();
  EXPECT_THAT(events(), ElementsAre("hot begins", "hot ends"));
  EXPECT_TRUE(box_.AwaitEmpty(absl::ZeroDuration()));
  EXPECT_EQ(box_.Take(FaultKind::kCorruptPush), std::nullopt);
}

}  // namespace
}  // namespace frostnas::phone

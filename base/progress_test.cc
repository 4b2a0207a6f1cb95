#include "base/progress.h"

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

class FakeOutput final : public ProgressOutput {
 public:
  FakeOutput(bool is_terminal, int columns)
      : is_terminal_(is_terminal), columns_(columns) {}

  bool is_terminal() const override { return is_terminal_; }
  int columns() const override { return columns_; }
  void Write(absl::string_view text) override { text_ += std::string(text); }

  // What was written since the last call.
  std::string Take() { return std::exchange(text_, ""); }

 private:
  const bool is_terminal_;
  const int columns_;
  std::string text_;
};

TEST(ProgressTest, ATerminalGetsABarThatIsOverwritten) {
  FakeClock clock;
  FakeOutput output(/*is_terminal=*/true, /*columns=*/100);
  Progress progress({.title = "warm-up", .total = 200}, clock, output);
  progress.Advance(10);
  EXPECT_EQ(output.Take(), "");
  clock.Advance(absl::Seconds(30));
  progress.Advance(40, "loss 2.5");
  EXPECT_EQ(output.Take(),
            "\rwarm-up [=====>              ] 25% 50/200, 1 min 30 s left, "
            "loss 2.5\x1b[K");
  clock.Advance(absl::Seconds(90));
  progress.Advance(150);
  output.Take();
  progress.Finish();
  EXPECT_EQ(output.Take(),
            "\rwarm-up [====================] 100% 200/200, took 2 min 0 s"
            "\x1b[K\n");
  progress.Finish();
  progress.Advance(1);
  EXPECT_EQ(output.Take(), "");
}

TEST(ProgressTest, ABarNeverWraps) {
  FakeClock clock;
  FakeOutput output(/*is_terminal=*/true, /*columns=*/40);
  Progress progress({.title = "t", .total = 2}, clock, output);
  clock.Advance(absl::Seconds(1));
  progress.Advance(1, std::string(100, 'x'));
  EXPECT_EQ(output.Take().size(), 39 + std::string("\r\x1b[K").size());
}

TEST(ProgressTest, AFileGetsALineEveryFewSeconds) {
  FakeClock clock;
  FakeOutput output(/*is_terminal=*/false, /*columns=*/80);
  {
    Progress progress({.title = "search", .total = 10}, clock, output);
    for (int i = 0; i < 10; ++i) {
      clock.Advance(absl::Seconds(2));
      progress.Advance(1);
    }
  }
  EXPECT_EQ(output.Take(),
            "search 30% 3/10, 14 s left\n"
            "search 60% 6/10, 8 s left\n"
            "search 90% 9/10, 2 s left\n"
            "search 100% 10/10, took 20 s\n");
}

TEST(ProgressTest, AnUnknownTotalIsCounted) {
  FakeClock clock;
  FakeOutput output(/*is_terminal=*/false, /*columns=*/80);
  {
    Progress progress({.title = "wait"}, clock, output);
    progress.Advance(3, "2 workers");
    clock.Advance(absl::Hours(2) + absl::Minutes(5));
  }
  EXPECT_EQ(output.Take(), "wait 3, took 2 h 5 min, 2 workers\n");
}

}  // namespace
}  // namespace frostnas

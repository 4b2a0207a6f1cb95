#include "search/supernet/trainer.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/fake_clock.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "search/supernet/testing/tiny_search.h"

namespace frostnas::search {
namespace {

using ::testing::HasSubstr;

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest()
      : one_thread_(1),
        space_(TinySpace()),
        dataset_(TinyDataset()),
        latency_(TinyLatency(space_)) {}

  TrainerOptions Options() const {
    TrainerOptions options;
    options.float_epochs = 2;
    options.search_epochs = 2;
    options.batch = 16;
    options.arch_every = 2;
    options.evaluation.batch = 16;
    options.limit_ns = (latency_.MinNs() + latency_.MaxNs()) / 2;
    options.seed = 4;
    return options;
  }

  std::unique_ptr<SupernetTrainer> Make(const TrainerOptions& options) {
    auto trainer = SupernetTrainer::Create(Inputs(), options);
    EXPECT_OK(trainer);
    return *std::move(trainer);
  }

  TrainerInputs Inputs() { return {space_, *dataset_, latency_, clock_}; }

  static absl::Status Go(double) { return absl::OkStatus(); }

  // Tiny layers gain nothing from more.
  nn::ScopedComputeThreads one_thread_;
  FakeClock clock_;
  const arch::SearchSpace space_;
  const std::unique_ptr<const nn::Dataset> dataset_;
  const latency::ExpectedLatency latency_;
};

TEST_F(TrainerTest, GoesOnBitForBitAfterARestore) {
  for (const GateKind gates : {GateKind::kBinarized, GateKind::kGumbel}) {
    TrainerOptions options = Options();
    options.architecture.gates = gates;
    auto straight = Make(options);
    std::vector<std::string> states;
    while (!straight->done()) {
      ASSERT_OK(straight->RunEpoch(Go));
      states.push_back(straight->SaveState());
    }
    ASSERT_EQ(states.size(), 4);
    for (int from : {1, 2, 3}) {
      auto restored = Make(options);
      ASSERT_OK(restored->LoadState(states[from - 1]));
      EXPECT_EQ(restored->epochs_done(), from);
      while (!restored->done()) ASSERT_OK(restored->RunEpoch(Go));
      EXPECT_TRUE(restored->SaveState() == states.back())
          << "from epoch " << from;
      const Path path = MostProbablePath(straight->architecture().Logits());
      EXPECT_EQ(MostProbablePath(restored->architecture().Logits()), path);
      ASSERT_OK_AND_ASSIGN(auto a, straight->Derive(path));
      ASSERT_OK_AND_ASSIGN(auto b, restored->Derive(path));
      EXPECT_TRUE(a->Save().SerializeAsString() ==
                  b->Save().SerializeAsString());
    }
  }
}

TEST_F(TrainerTest, LearnsWhatItsPathsInherit) {
  TrainerOptions options = Options();
  options.float_epochs = 8;
  options.search_epochs = 4;
  auto trainer = Make(options);
  double first_loss = 0, last_loss = 0;
  while (!trainer->done()) {
    ASSERT_OK_AND_ASSIGN(const v1::SearchEpoch epoch, trainer->RunEpoch(Go));
    if (epoch.epoch() == 0) first_loss = epoch.train_loss();
    last_loss = epoch.train_loss();
  }
  EXPECT_LT(last_loss, 0.7 * first_loss);
  EXPECT_GT(trainer->Top1({0, 0, 0, 0, 0}).value(), 0.6);
  EXPECT_GT(trainer->Top1({0, 7, 3, 4, 0}).value(), 0.6);
}

TEST_F(TrainerTest, ReportsWhatCollapseAlarmsNeed) {
  auto trainer = Make(Options());
  v1::SearchEpoch epoch;
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK_AND_ASSIGN(epoch, trainer->RunEpoch(Go));
    EXPECT_EQ(epoch.phase(), i < 2 ? "float" : "search");
    EXPECT_EQ(epoch.arch_loss() > 0, i >= 2);
  }
  // Nearly uniform: slots of 8, 4 and 5 candidates, one of five on skip.
  EXPECT_NEAR(epoch.entropy(), (std::log(8) + std::log(4) + std::log(5)) / 3,
              0.1);
  EXPECT_NEAR(epoch.skip_share(), 0.2, 0.05);
  EXPECT_GT(epoch.expected_latency_ns(), latency_.MinNs());
}

TEST_F(TrainerTest, DrivesExpectedLatencyToALimit) {
  auto trainer = Make(Options());
  ASSERT_OK(trainer->RunEpoch(Go));
  const double limit_ns =
      latency_.MinNs() + 0.2 * (latency_.MaxNs() - latency_.MinNs());
  const auto start = trainer->architecture().Logits();
  ASSERT_OK_AND_ASSIGN(const auto logits,
                       trainer->LogitsForLimit(start, limit_ns, 60, 0));
  const auto expected = [&](const latency::SlotValues& rows) {
    latency::SlotValues p;
    for (const auto& row : rows) p.push_back(latency::Softmax(row));
    return latency_.Value(p);
  };
  EXPECT_GT(expected(start), 1.2 * limit_ns);
  EXPECT_LT(expected(logits), 1.1 * limit_ns);
  EXPECT_EQ(trainer->architecture().Logits(), start);
}

TEST_F(TrainerTest, TellsTheCheapestLatencyWhenNoneMeetsTheLimit) {
  TrainerOptions options = Options();
  options.limit_ns = 0.9 * latency_.MinNs();
  EXPECT_THAT(SupernetTrainer::Create(Inputs(), options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("raise the limit")));
}

TEST_F(TrainerTest, NamesTheBatchWhenASplitIsSmaller) {
  TrainerOptions options = Options();
  options.batch = 64;  // the architecture split has 32 images
  EXPECT_THAT(SupernetTrainer::Create(Inputs(), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("budget.batch 64")));
}

TEST_F(TrainerTest, StopsBetweenBatches) {
  auto trainer = Make(Options());
  int asked = 0;
  const auto stop = [&](double) {
    return ++asked == 3 ? absl::CancelledError("stop") : absl::OkStatus();
  };
  EXPECT_THAT(trainer->RunEpoch(stop), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(trainer->epochs_done(), 0);
}

TEST_F(TrainerTest, RefusesAStateOfOtherSettings) {
  auto trainer = Make(Options());
  ASSERT_OK(trainer->RunEpoch(Go));
  const std::string state = trainer->SaveState();
  TrainerOptions options = Options();
  options.seed = 5;
  EXPECT_THAT(
      Make(options)->LoadState(state),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another space")));
  EXPECT_THAT(Make(options)->LoadState("nonsense"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::search

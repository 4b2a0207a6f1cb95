#include "latency/predict/profile_space.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "arch/op_key.h"
#include "base/fake_clock.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/device.h"
#include "latency/predict/calibration_report.h"
#include "latency/predict/predictor.h"
#include "latency/reference_network.h"
#include "latency/testing/synthetic_device.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

// Profiles into what stands for a file: what a killed program leaves.
class ProfileSpaceTest : public testing::Test {
 protected:
  ProfileSpaceTest() {
    options_.networks = 8;
    options_.held_out = 5;
  }

  absl::StatusOr<ProfileSummary> Profile(SyntheticDevice& device) {
    LatencyTable table(device.Describe(), options_.request.threads,
                       options_.request.batch);
    if (!file_.empty()) {
      ASSIGN_OR_RETURN(table, LatencyTable::Parse(file_, "file"));
    }
    const ProfileHooks hooks = {
        .save =
            [this](const LatencyTable& each) {
              ++saves_;
              file_ = each.Serialize();
              return absl::OkStatus();
            },
        .begin = [this](absl::string_view what,
                        int count) { stages_.emplace_back(what, count); },
        .step = [this] { ++steps_; }};
    const StopToken stop = stop_.token();
    return ProfileSpace({.device = device,
                         .space = space_,
                         .hooks = hooks,
                         .clock = clock_,
                         .stop = stop},
                        options_, table);
  }

  LatencyTable Saved() { return *LatencyTable::Parse(file_, "file"); }

  const arch::SearchSpace space_ = SyntheticSpace();
  const int num_ops_ = static_cast<int>(arch::DistinctOps(space_).size());
  ProfileOptions options_;
  FakeClock clock_;
  StopSource stop_;
  std::string file_;
  std::vector<std::pair<std::string, int>> stages_;
  int steps_ = 0;
  int saves_ = 0;
};

TEST_F(ProfileSpaceTest, MeasuresOpsNetworksAndOthersToJudgeBy) {
  SyntheticDevice device({});
  ASSERT_OK_AND_ASSIGN(const ProfileSummary summary, Profile(device));
  EXPECT_EQ(summary.ops, num_ops_);
  EXPECT_EQ(summary.ops_measured, num_ops_);
  EXPECT_EQ(summary.ops_inferred, 0);
  EXPECT_EQ(summary.networks_measured, 13);
  EXPECT_EQ(Saved().num_ops(), num_ops_);
  EXPECT_EQ(Saved().calibration().networks(), 8);
  EXPECT_EQ(Saved().calibration().measured_size(), 13);
  EXPECT_THAT(stages_,
              testing::ElementsAre(testing::Pair("operators", num_ops_),
                                   testing::Pair("networks", 13)));
  EXPECT_EQ(steps_, num_ops_ + 13);
}

// A kill loses at most the group it comes in, and what is left behind is
// completed to the same table.
TEST_F(ProfileSpaceTest, GoesOnAfterAKillAtAnyMeasurement) {
  SyntheticDevice undisturbed({});
  ASSERT_OK(Profile(undisturbed));
  const std::string whole = std::exchange(file_, "");
  const int total = num_ops_ + 13;
  for (int kill_at = 0; kill_at < total; ++kill_at) {
    file_.clear();
    SyntheticDevice killed({});
    int asked = 0;
    killed.set_before([&] {
      return asked++ < kill_at ? absl::OkStatus()
                               : absl::InternalError("killed");
    });
    EXPECT_THAT(Profile(killed), StatusIs(absl::StatusCode::kInternal));
    SyntheticDevice again({});
    ASSERT_OK(Profile(again));
    EXPECT_TRUE(file_ == whole) << "killed at " << kill_at;
    EXPECT_LE(kill_at + again.ops() + again.networks() - total,
              options_.ops_per_group)
        << "killed at " << kill_at;
  }
}

// Another process would estimate another full speed.
TEST_F(ProfileSpaceTest, StatesATableAtTheSpeedOfItsFirstMeasurement) {
  SyntheticDevice first({});
  options_.networks = 4;
  ASSERT_OK(Profile(first));
  EXPECT_EQ(FullSpeedNs(Saved().full_speeds(), kSmallReference), 1000);
  SyntheticDevice second({});
  second.set_full_speed_ns(950);
  options_.networks = 8;
  ASSERT_OK(Profile(second));
  EXPECT_EQ(FullSpeedNs(Saved().full_speeds(), kSmallReference), 1000);
  EXPECT_EQ(FullSpeedNs(second.FullSpeeds(1), kSmallReference), 1000);
}

TEST_F(ProfileSpaceTest, WaitsForADeviceThatIsAway) {
  options_.networks = 2;
  options_.retry_pause = absl::ZeroDuration();
  SyntheticDevice device({});
  int asked = 0;
  device.set_before([&] {
    return ++asked % 3 == 0 ? absl::OkStatus()
                            : absl::UnavailableError("too hot");
  });
  options_.retries = 3 * options_.ops_per_group;
  ASSERT_OK(Profile(device));
  EXPECT_EQ(device.ops(), num_ops_);
  EXPECT_EQ(Saved().calibration().measured_size(), 2 + options_.held_out);

  device.set_before([] { return absl::UnavailableError("too hot"); });
  options_.networks = 3;
  EXPECT_THAT(Profile(device), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ProfileSpaceTest, MeasuresNothingTwice) {
  SyntheticDevice device({});
  ASSERT_OK(Profile(device));
  const std::string before = file_;
  SyntheticDevice again({});
  ASSERT_OK(Profile(again));
  EXPECT_EQ(again.ops() + again.networks(), 0);
  EXPECT_TRUE(file_ == before);
  // More networks are added to those that are there.
  options_.networks = 10;
  ASSERT_OK(Profile(again));
  EXPECT_EQ(again.ops(), 0);
  EXPECT_EQ(again.networks(), 2);
}

TEST_F(ProfileSpaceTest, StopsWhenAsked) {
  SyntheticDevice device({});
  int asked = 0;
  device.set_before([&] {
    if (++asked == 20) stop_.RequestStop();
    return absl::OkStatus();
  });
  EXPECT_THAT(Profile(device), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(Saved().num_ops(), 12);
}

TEST_F(ProfileSpaceTest, RefusesTheTableOfAnother) {
  SyntheticDevice device({});
  options_.networks = 0;
  options_.held_out = 0;
  ASSERT_OK(Profile(device));
  SyntheticDevice other({.name = "other"});
  EXPECT_THAT(Profile(other), StatusIs(absl::StatusCode::kFailedPrecondition,
                                       HasSubstr("not of host (other")));
  options_.request.batch = 4;
  EXPECT_THAT(Profile(device),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("batch 1, not of 1 threads, batch 4")));
  options_.request.batch = 0;
  EXPECT_THAT(Profile(device), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(other.ops(), 0);
}

class StartFromTest : public ProfileSpaceTest {
 protected:
  StartFromTest() {
    SyntheticDevice known({.name = "known"});
    EXPECT_OK(Profile(known));
    options_.start_from = {Saved()};
    options_.target_mape = 0.03;
    file_.clear();
    stages_.clear();
  }

  const SyntheticCosts phone_ = {.name = "phone",
                                 .call_ns = 900,
                                 .ns_per_mac = 0.03,
                                 .depthwise_ns_per_mac = 0.2,
                                 .ns_per_weight_byte = 0.1};
};

TEST_F(StartFromTest, SparesMostOpsAndSaysSo) {
  SyntheticDevice phone(phone_);
  phone.set_before([this] {
    clock_.Advance(absl::Seconds(2));
    return absl::OkStatus();
  });
  ASSERT_OK_AND_ASSIGN(const ProfileSummary summary, Profile(phone));
  EXPECT_LT(summary.ops_measured, num_ops_ / 2);
  EXPECT_EQ(summary.ops_inferred, num_ops_ - summary.ops_measured);
  EXPECT_EQ(summary.saved, absl::Seconds(2 * summary.ops_inferred));
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(Saved()));
  EXPECT_LE(*predictor.left_out_mape(), options_.target_mape);
  ASSERT_OK_AND_ASSIGN(const CalibrationReport report,
                       MakeCalibrationReport(space_, Saved()));
  EXPECT_EQ(report.ops_inferred, summary.ops_inferred);
  EXPECT_LT(report.held_out->mape, 0.05);
  EXPECT_THAT(ReportText(report, summary), HasSubstr("not measured, about"));
}

TEST_F(StartFromTest, MeasuresOnWhileTheErrorIsOverTheTarget) {
  options_.target_mape = 0;
  SyntheticDevice phone(phone_);
  ASSERT_OK_AND_ASSIGN(const ProfileSummary summary, Profile(phone));
  EXPECT_EQ(summary.ops_inferred, 0);
  EXPECT_EQ(phone.ops(), num_ops_);
}

TEST_F(StartFromTest, WithoutTablesInferredOpsAreMeasured) {
  SyntheticDevice phone(phone_);
  ASSERT_OK_AND_ASSIGN(const ProfileSummary part, Profile(phone));
  ASSERT_GT(part.ops_inferred, 0);
  options_.start_from.clear();
  ASSERT_OK_AND_ASSIGN(const ProfileSummary rest, Profile(phone));
  EXPECT_EQ(rest.ops_measured, part.ops_inferred);
  EXPECT_EQ(rest.ops_inferred, 0);
}

TEST_F(ProfileSpaceTest, TheReportSaysWhatPredictionsAreWorth) {
  SyntheticDevice device({});
  options_.held_out = 20;
  ASSERT_OK_AND_ASSIGN(const ProfileSummary summary, Profile(device));
  ASSERT_OK_AND_ASSIGN(const CalibrationReport report,
                       MakeCalibrationReport(space_, Saved()));
  EXPECT_EQ(report.networks, 8);
  ASSERT_TRUE(report.held_out.has_value());
  EXPECT_EQ(report.held_out->networks, 20);
  const auto json = nlohmann::json::parse(ReportJson(report, space_, summary));
  EXPECT_EQ(json["device"]["runtime"], "arithmetic 1");
  EXPECT_EQ(json["ops_measured"], num_ops_);
  EXPECT_EQ(json["held_out"]["networks"], 20);
  EXPECT_EQ(json["held_out"]["mape"], report.held_out->mape);
  EXPECT_EQ(json["this_run"]["networks_measured"], 28);
  ASSERT_EQ(json["worst"].size(), 5u);
  EXPECT_EQ(json["worst"][0]["relative_error"], report.held_out->worst);
  EXPECT_EQ(json["worst"][0]["choice"].size(), 8u);
  EXPECT_TRUE(json["worst"][0]["choice"].contains("b8"));
  EXPECT_THAT(ReportText(report, std::nullopt),
              HasSubstr("20 networks held out"));
}

TEST_F(ProfileSpaceTest, TheReportNeedsNoNetworks) {
  SyntheticDevice device({});
  options_.networks = 0;
  options_.held_out = 0;
  ASSERT_OK(Profile(device));
  ASSERT_OK_AND_ASSIGN(const CalibrationReport report,
                       MakeCalibrationReport(space_, Saved()));
  EXPECT_FALSE(report.held_out.has_value());
  const auto json =
      nlohmann::json::parse(ReportJson(report, space_, std::nullopt));
  EXPECT_TRUE(json["held_out"].is_null());
  EXPECT_TRUE(json["left_out_mape"].is_null());
}

}  // namespace
}  // namespace frostnas::latency

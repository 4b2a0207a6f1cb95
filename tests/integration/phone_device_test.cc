// A phone as a device: the real adb client, the real runner, a phone for tests.
#include "latency/phone/phone_device.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/clock.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/testing/packages.h"
#include "tests/integration/host_runner.h"
#include "tests/phone/adb_server.h"
#include "tests/phone/phone.h"

namespace frostnas::latency {
namespace {

using phone::Fault;
using phone::FaultKind;
using phone::TestPhone;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kLong = absl::Seconds(60);
const MeasureRequest kRequest = {.effort = Effort::kSmoke};

class PhoneDeviceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = phone::AdbServer::Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = server->release();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  void SetUp() override {
    phone::PhoneOptions options;
    options.condition = phone::HostLikeCondition();
    ASSERT_OK_AND_ASSIGN(phone_, TestPhone::Start(options));
    options_.serial = phone_->serial();
    options_.runner = HostRunner();
    options_.adb.environment = server_->environment();
    options_.adb.deadline = absl::Seconds(10);
    options_.retry_every = absl::Milliseconds(50);
    options_.check_every = absl::Milliseconds(200);
    options_.lease_within = absl::Milliseconds(300);
    // This machine is shared and its noise no throttling.
    options_.rules.max_slope = 100;
  }

  absl::StatusOr<std::unique_ptr<LatencyDevice>> Open() {
    return OpenPhone(options_, RealClock(), {});
  }
  // Waits until the device can be measured; false after a long time.
  bool AwaitReady(const LatencyDevice& device) {
    const absl::Duration end = RealClock().Monotonic() + kLong;
    while (!device.Ready().ok()) {
      if (RealClock().Monotonic() > end) return false;
      RealClock().WaitFor(absl::Milliseconds(10), {});
    }
    return true;
  }
  // Waits until the device is away for a reason that says `words`.
  bool AwaitAway(const LatencyDevice& device, absl::string_view words) {
    const absl::Duration end = RealClock().Monotonic() + kLong;
    while (!absl::StrContains(device.Ready().message(), words)) {
      if (RealClock().Monotonic() > end) return false;
      RealClock().WaitFor(absl::Milliseconds(10), {});
    }
    return true;
  }

  static phone::AdbServer* server_;
  std::unique_ptr<TestPhone> phone_;
  PhoneOptions options_;
};
phone::AdbServer* PhoneDeviceTest::server_ = nullptr;

TEST_F(PhoneDeviceTest, DescribesThePhone) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  const v1::Device& described = device->Describe();
  EXPECT_EQ(described.id(), absl::StrCat("adb:", phone_->serial()));
  EXPECT_THAT(described.model(), HasSubstr("Frost Test Phone"));
  EXPECT_THAT(described.runtime(), HasSubstr("xnnpack"));
  EXPECT_FALSE(described.isa().empty());
  EXPECT_GT(described.memory_bytes(), int64_t{1} << 30);
  EXPECT_EQ(described.cores(), described.core_max_khz_size());
  EXPECT_THAT(described.measuring_cores(), ElementsAre(described.cores() - 1));
  EXPECT_EQ(described.fingerprint().size(), 64);
  EXPECT_TRUE(described.measured());
}

TEST_F(PhoneDeviceTest, RefusesAPhoneThatComputesOtherOutputs) {
  options_.runner = SpoilingRunner();
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("other outputs than the integer")));
}

TEST_F(PhoneDeviceTest, MeasuresWithEvidence) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->SetTemperature(0, 31000);
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured,
                       device->Measure(SmallPackage(2), kRequest, {}));
  EXPECT_GT(measured.median_ns(), 0);
  EXPECT_GE(measured.ci_high_ns(), measured.median_ns());
  EXPECT_LE(measured.ci_low_ns(), measured.median_ns());
  EXPECT_GT(measured.samples(), 0);
  EXPECT_EQ(measured.samples_sha256().size(), 64);
  EXPECT_GE(measured.tries(), 1);
  EXPECT_EQ(measured.device_fingerprint(), device->Describe().fingerprint());
  EXPECT_EQ(measured.before().core_khz_size(), device->Describe().cores());
  EXPECT_GE(measured.before().temperature_c(), 31);
  EXPECT_LE(measured.before().read_at_ns(), measured.after().read_at_ns());
  EXPECT_THAT(measured.before().governor(0), Not(testing::IsEmpty()));
  EXPECT_THAT(measured.cores(), ElementsAre(device->Describe().cores() - 1));
}

TEST_F(PhoneDeviceTest, BringsTheRunnerOnce) {
  ASSERT_OK_AND_ASSIGN(auto device, Open());
  device.reset();
  ASSERT_OK_AND_ASSIGN(device, Open());
  ASSERT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
  int runners = 0;
  for (const std::string& path : phone_->log().pushes) {
    if (path.ends_with("/runner")) ++runners;
  }
  EXPECT_EQ(runners, 1);
}

TEST_F(PhoneDeviceTest, LeavesNothingOfAJobBehind) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  ASSERT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
  ASSERT_TRUE(AwaitReady(*device));
  const phone::AdbResult listing =
      server_->Shell(phone_->serial(), "ls /data/local/tmp/frostnas");
  EXPECT_THAT(listing.stdout_text, Not(HasSubstr("job")));
  EXPECT_EQ(phone_->running_programs(), 0);
}

TEST_F(PhoneDeviceTest, ProfilesOperators) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  ASSERT_OK_AND_ASSIGN(
      const arch::Graph graph,
      arch::ExpandArchitecture(SmallPackage(2).architecture()));
  std::vector<v1::OpKey> ops;
  for (const arch::Layer& layer : graph.layers) {
    if (const auto key = arch::OpKeyOf(layer)) ops.push_back(*key);
  }
  ASSERT_GT(ops.size(), 5);
  std::vector<std::string> done;
  ASSERT_OK(device->ProfileOps(ops, kRequest,
                               [&](const v1::OpLatency& op) {
                                 EXPECT_GT(op.median_ns(), 0);
                                 done.push_back(arch::OpKeyText(op.op()));
                                 return absl::OkStatus();
                               },
                               {}));
  ASSERT_EQ(done.size(), ops.size());
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_EQ(done[i], arch::OpKeyText(ops[i]));
  }
}

TEST_F(PhoneDeviceTest, SustainedLoadGivesColdAndHotLatency) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  MeasureRequest request = kRequest;
  request.sustained_s = 0.5;
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured,
                       device->Measure(SmallPackage(2), request, {}));
  ASSERT_TRUE(measured.has_sustained());
  EXPECT_GT(measured.sustained().cold_ns(), 0);
  EXPECT_GT(measured.sustained().hot_ns(), 0);
  EXPECT_GE(measured.sustained().duration_s(), 0.5);
}

TEST_F(PhoneDeviceTest, AnUnsoundPackageIsTheUsersFault) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  v1::Package package = SmallPackage(2);
  package.mutable_layers(0)->clear_weights();
  EXPECT_EQ(device->Measure(package, kRequest, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_OK(device->Ready());
}

TEST_F(PhoneDeviceTest, AHotPhoneIsNotMeasuredAndComesBackWhenCool) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->SetTemperature(0, 48000);
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_TRUE(IsTooHot(measured.status())) << measured.status();
  EXPECT_THAT(measured.status().message(), HasSubstr("48.0 degrees"));
  ASSERT_TRUE(AwaitAway(*device, "cooling"));
  // Not until it is well below the limit.
  phone_->SetTemperature(0, 40000);
  const auto warm = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_TRUE(IsTooHot(warm.status())) << warm.status();
  phone_->SetTemperature(0, 35000);
  ASSERT_TRUE(AwaitReady(*device));
  EXPECT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
}

TEST_F(PhoneDeviceTest, APhoneThatBecomesHotUnderItDoesNotCount) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kHot,
                  .duration = absl::Seconds(2),
                  .at_next_program = true});
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_TRUE(IsTooHot(measured.status())) << measured.status();
  EXPECT_TRUE(AwaitReady(*device));
}

TEST_F(PhoneDeviceTest, AnotherGovernorIsMeasuredAgain) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kGovernor,
                  .duration = absl::Milliseconds(1500),
                  .at_next_program = true});
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  if (measured.ok()) {
    EXPECT_GT(measured->tries(), 1);
  } else {
    EXPECT_THAT(measured.status().message(), HasSubstr("governor"));
  }
}

TEST_F(PhoneDeviceTest, ADisconnectedPhoneIsFoundAgain) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kDisconnectShell, .command = "runner"});
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_EQ(measured.status().code(), absl::StatusCode::kUnavailable)
      << measured.status();
  EXPECT_FALSE(IsTooHot(measured.status()));
  ASSERT_TRUE(AwaitReady(*device));
  EXPECT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
}

TEST_F(PhoneDeviceTest, CutOutputCountsAsNothing) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kTruncateOutput,
                  .after_bytes = 40,
                  .command = "runner"});
  EXPECT_EQ(device->Measure(SmallPackage(2), kRequest, {}).status().code(),
            absl::StatusCode::kUnavailable);
  ASSERT_TRUE(AwaitReady(*device));
}

TEST_F(PhoneDeviceTest, AHangingCommandIsEndedInTime) {
  options_.runner_start = options_.measuring = absl::Milliseconds(500);
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kHangShell,
                  .duration = absl::Seconds(30),
                  .command = "--request"});
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_EQ(measured.status().code(), absl::StatusCode::kDeadlineExceeded);
  phone_->Calm();
  ASSERT_TRUE(AwaitReady(*device));
}

TEST_F(PhoneDeviceTest, AKilledRunnerIsAFaultOfThePhone) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kKillProgram, .command = "--request"});
  EXPECT_FALSE(device->Measure(SmallPackage(2), kRequest, {}).ok());
  ASSERT_TRUE(AwaitReady(*device));
  EXPECT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
}

TEST_F(PhoneDeviceTest, ABadCopyIsPushedAgain) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kCorruptPush});
  EXPECT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
}

TEST_F(PhoneDeviceTest, FullStorageIsSaid) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject(
      {.kind = FaultKind::kStorageFull, .duration = absl::Seconds(1)});
  const auto measured = device->Measure(SmallPackage(2), kRequest, {});
  EXPECT_EQ(measured.status().code(), absl::StatusCode::kResourceExhausted)
      << measured.status();
  ASSERT_TRUE(AwaitReady(*device));
}

TEST_F(PhoneDeviceTest, AReboot) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kReboot, .at_next_program = true});
  EXPECT_FALSE(device->Measure(SmallPackage(2), kRequest, {}).ok());
  ASSERT_TRUE(AwaitReady(*device));
  EXPECT_OK(device->Measure(SmallPackage(2), kRequest, {}).status());
}

TEST_F(PhoneDeviceTest, FaultsInARowRebootThePhone) {
  options_.life.reboot_after = 2;
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(AwaitReady(*device));
    phone_->Inject({.kind = FaultKind::kKillProgram, .command = "--request"});
    EXPECT_FALSE(device->Measure(SmallPackage(2), kRequest, {}).ok());
  }
  ASSERT_TRUE(AwaitAway(*device, "rebooting"));
  ASSERT_TRUE(AwaitReady(*device));
  EXPECT_EQ(phone_->log().reboots, 1);
}

TEST_F(PhoneDeviceTest, AnIdlePhoneThatGoesLeavesThePool) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->Inject({.kind = FaultKind::kRefused, .duration = absl::Seconds(1)});
  ASSERT_TRUE(AwaitAway(*device, "missing"));
  ASSERT_TRUE(AwaitReady(*device));
}

TEST_F(PhoneDeviceTest, AnotherPhoneUnderTheSerialIsQuarantined) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  phone_->SetProperty("ro.product.model", "Other Phone");
  phone_->Inject(
      {.kind = FaultKind::kOffline, .duration = absl::Milliseconds(500)});
  ASSERT_TRUE(AwaitAway(*device, "quarantined"));
  EXPECT_THAT(device->Ready().message(), HasSubstr("Other Phone"));
}

TEST_F(PhoneDeviceTest, OpeningSaysWhyAPhoneCannotBeUsed) {
  options_.sign_up_within = absl::Milliseconds(200);
  phone_->Inject({.kind = FaultKind::kUnauthorized, .duration = kLong});
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(status.message(), HasSubstr(phone_->serial()));
}

TEST_F(PhoneDeviceTest, AWrongCoreIsRefusedAtOnce) {
  options_.cores = "99";
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PhoneDeviceTest, AStopEndsAMeasurement) {
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  StopSource stop;
  MeasureRequest request = kRequest;
  request.sustained_s = 1000;
  std::thread stopper([&] {
    phone_->AwaitRunningPrograms(1, kLong);
    stop.RequestStop();
  });
  EXPECT_EQ(
      device->Measure(SmallPackage(2), request, stop.token()).status().code(),
      absl::StatusCode::kCancelled);
  stopper.join();
  EXPECT_TRUE(phone_->AwaitRunningPrograms(0, kLong));
}

TEST_F(PhoneDeviceTest, AUsersOwnRuntimeMeasuresNetworks) {
  v1::CustomRuntime config;
  config.set_device_id(absl::StrCat("adb:", phone_->serial()));
  config.set_name("shell 1");
  config.set_model_format(v1::MODEL_FORMAT_PACKAGE);
  // Says as many microseconds as the model has bytes.
  for (const char* word : {"wc", "-c", "{model}"}) config.add_command(word);
  config.set_pattern("^(\\d+)");
  config.set_unit("us");
  ASSERT_OK_AND_ASSIGN(options_.custom, CustomRuntime::Create(config, "test"));
  options_.export_model = [](const v1::Package&) {
    return absl::StatusOr<std::string>(std::string(1234, 'x'));
  };
  ASSERT_OK_AND_ASSIGN(const auto device, Open());
  EXPECT_THAT(device->Describe().runtime(), HasSubstr("shell 1"));
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured,
                       device->Measure(SmallPackage(2), kRequest, {}));
  EXPECT_EQ(measured.median_ns(), 1234000);
  EXPECT_EQ(measured.samples(), 5);
  EXPECT_EQ(measured.runtime(), "shell 1");
  EXPECT_EQ(measured.verdict(), v1::MEASUREMENT_VERDICT_REPORTED);
  EXPECT_TRUE(measured.has_before() && measured.has_after());
}

}  // namespace
}  // namespace frostnas::latency

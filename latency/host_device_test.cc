// The host measured for real: what a measurement says about itself, never how
// fast the machine is.
#include "latency/host_device.h"

#include <sched.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/fake_clock.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/latency_table.h"
#include "latency/measure/host_description.h"
#include "latency/predict/predictor.h"
#include "latency/reference_network.h"
#include "latency/testing/packages.h"

namespace frostnas::latency {
namespace {

const MeasureRequest kSmoke = {.effort = Effort::kSmoke};

class HostDeviceTest : public testing::Test {
 protected:
  // UNAVAILABLE says that others kept the processors: the caller tries again.
  absl::StatusOr<v1::Measurement> Measure(const MeasureRequest& request) {
    constexpr int kTries = 20;
    absl::StatusOr<v1::Measurement> measured;
    for (int i = 0; i < kTries; ++i) {
      measured = device_->Measure(SmallPackage(3), request, stop_.token());
      if (!absl::IsUnavailable(measured.status())) break;
    }
    return measured;
  }

  FakeClock clock_;
  StopSource stop_;
  std::unique_ptr<LatencyDevice> device_ = CreateHostDevice(clock_);
};

TEST_F(HostDeviceTest, AMeasurementCarriesItsEvidence) {
  cpu_set_t before;
  sched_getaffinity(0, sizeof(before), &before);
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured, Measure(kSmoke));
  EXPECT_EQ(measured.device_id(), "host");
  EXPECT_EQ(measured.device_fingerprint(), DescribeHost().fingerprint());
  EXPECT_GT(measured.median_ns(), 0);
  EXPECT_LE(measured.ci_low_ns(), measured.median_ns());
  EXPECT_GE(measured.ci_high_ns(), measured.median_ns());
  EXPECT_GT(measured.samples(), 0);
  EXPECT_GE(measured.drift(), 0);
  EXPECT_EQ(measured.threads(), 1);
  EXPECT_EQ(measured.batch(), 1);
  EXPECT_TRUE(CPU_ISSET(measured.core(), &before));
  EXPECT_TRUE(IsSha256Hex(measured.samples_sha256()));
  EXPECT_THAT(measured.verdict(),
              testing::AnyOf(v1::MEASUREMENT_VERDICT_ACCEPTED,
                             v1::MEASUREMENT_VERDICT_NOISY));
  EXPECT_EQ(measured.predicted_ns(), 0);
  EXPECT_EQ(measured.measured_at_ns(), absl::ToUnixNanos(clock_.Now()));
  cpu_set_t after;
  sched_getaffinity(0, sizeof(after), &after);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST_F(HostDeviceTest, StatesResultsAtTheSpeedThatItIsGiven) {
  EXPECT_TRUE(device_->FullSpeeds(1).ns().empty());
  ASSERT_OK_AND_ASSIGN(v1::Measurement measured, Measure(kSmoke));
  const double estimated_ns = measured.full_speed_ns();
  EXPECT_GT(estimated_ns, 0);
  EXPECT_EQ(measured.reference_size(), kSmallReference);
  EXPECT_EQ(FullSpeedNs(device_->FullSpeeds(1), kSmallReference), estimated_ns);
  MeasureRequest request = kSmoke;
  double& given_ns = (*request.full_speeds.mutable_ns())[kSmallReference];
  given_ns = 0.9 * estimated_ns;
  ASSERT_OK_AND_ASSIGN(measured, Measure(request));
  EXPECT_EQ(measured.full_speed_ns(), given_ns);
  // Also when the next does not say.
  ASSERT_OK_AND_ASSIGN(measured, Measure(kSmoke));
  EXPECT_EQ(measured.full_speed_ns(), given_ns);
  given_ns = std::nan("");
  EXPECT_THAT(Measure(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Each at its own full speed.
TEST_F(HostDeviceTest, LargeNetworksHaveALargeReference) {
  v1::Architecture large = SmallPackage(3).architecture();
  large.set_input_size(96);
  ASSERT_OK(Measure(kSmoke));
  ASSERT_OK_AND_ASSIGN(
      const v1::Measurement measured,
      device_->Measure(RandomPackage(large, 1), kSmoke, stop_.token()));
  EXPECT_EQ(measured.reference_size(), 96);
  const v1::FullSpeeds speeds = device_->FullSpeeds(1);
  EXPECT_EQ(speeds.ns_size(), 2);
  EXPECT_EQ(FullSpeedNs(speeds, 96), measured.full_speed_ns());
  EXPECT_NE(FullSpeedNs(speeds, kSmallReference), measured.full_speed_ns());
}

TEST_F(HostDeviceTest, SeveralThreadsAreNotPinned) {
  ASSERT_OK_AND_ASSIGN(
      const v1::Measurement measured,
      Measure({.threads = 2, .batch = 4, .effort = Effort::kSmoke}));
  EXPECT_EQ(measured.core(), -1);
  EXPECT_EQ(measured.threads(), 2);
  EXPECT_EQ(measured.batch(), 4);
}

TEST_F(HostDeviceTest, ReportsColdAndHotLatencyWhenAsked) {
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured,
                       Measure({.effort = Effort::kSmoke, .sustained_s = 0.2}));
  const v1::SustainedLatency& sustained = measured.sustained();
  EXPECT_EQ(sustained.duration_s(), 0.2);
  EXPECT_GT(sustained.cold_ns(), 0);
  EXPECT_GT(sustained.hot_ns(), 0);
  EXPECT_EQ(sustained.course_ns_size(), 20);
}

TEST_F(HostDeviceTest, ProfilesEveryOpOfANetwork) {
  const arch::Graph graph =
      *arch::ExpandArchitecture(SmallPackage(3).architecture());
  LatencyTable table(device_->Describe(), 1, 1);
  ASSERT_OK(device_->ProfileOps(
      arch::DistinctOps(graph), kSmoke,
      [&](const v1::OpLatency& entry) { return table.Add(entry); },
      stop_.token()));
  EXPECT_THAT(table.Missing(arch::DistinctOps(graph)), testing::IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Predictor predictor, Predictor::Create(table));
  ASSERT_OK_AND_ASSIGN(const double ns, predictor.OpsNs(graph));
  EXPECT_GT(ns, table.num_ops());
}

TEST_F(HostDeviceTest, RefusesBadRequests) {
  EXPECT_THAT(device_->Measure(SmallPackage(3), {.threads = 0}, stop_.token()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("threads")));
  EXPECT_FALSE(device_->Measure(v1::Package(), kSmoke, stop_.token()).ok());
}

TEST_F(HostDeviceTest, StopsWhenAsked) {
  stop_.RequestStop();
  EXPECT_THAT(device_->Measure(SmallPackage(3), kSmoke, stop_.token()),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST(HostDescriptionTest, IsCompleteAndStable) {
  const v1::Device device = DescribeHost();
  EXPECT_EQ(device.id(), "host");
  EXPECT_FALSE(device.model().empty());
  EXPECT_FALSE(device.isa().empty());
  EXPECT_THAT(device.runtime(), testing::HasSubstr("onednn"));
  EXPECT_GT(device.cores(), 0);
  EXPECT_TRUE(device.measured());
  EXPECT_TRUE(IsSha256Hex(device.fingerprint()));
  EXPECT_EQ(DescribeHost().SerializeAsString(), device.SerializeAsString());
}

TEST(HostDescriptionTest, TheFingerprintFollowsWhatMattersForLatency) {
  v1::Device device = DescribeHost();
  const std::string fingerprint = DeviceFingerprint(device);
  EXPECT_EQ(fingerprint, device.fingerprint());
  device.set_id("renamed");
  EXPECT_EQ(DeviceFingerprint(device), fingerprint);
  device.set_isa("sse2");
  EXPECT_NE(DeviceFingerprint(device), fingerprint);
}

TEST(HostDescriptionTest, ReadsProcessorNames) {
  EXPECT_EQ(ProcessorName("processor\t: 0\nmodel\t\t: 85\n"
                          "model name\t: Some CPU @ 2 GHz\n"),
            "Some CPU @ 2 GHz");
  EXPECT_EQ(ProcessorName("CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"),
            "ARM implementer 0x41 part 0xd0b");
  EXPECT_EQ(ProcessorName(""), "unknown processor");
}

}  // namespace
}  // namespace frostnas::latency

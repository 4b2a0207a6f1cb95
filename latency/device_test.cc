#include "latency/device.h"

#include <string>
#include <vector>

#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/latency_table.h"
#include "latency/open_device.h"
#include "latency/table_device.h"
#include "latency/testing/packages.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParseDeviceIdTest, ReadsEveryKind) {
  EXPECT_EQ(ParseDeviceId("host")->kind, DeviceKind::kHost);
  ASSERT_OK_AND_ASSIGN(const DeviceId phone,
                       ParseDeviceId("adb:127.0.0.1:5555"));
  EXPECT_EQ(phone.kind, DeviceKind::kAdb);
  EXPECT_EQ(phone.argument, "127.0.0.1:5555");
  ASSERT_OK_AND_ASSIGN(const DeviceId table, ParseDeviceId("table:/a b/c"));
  EXPECT_EQ(table.kind, DeviceKind::kTable);
  EXPECT_EQ(table.argument, "/a b/c");
}

TEST(ParseDeviceIdTest, NamesWhatIsNotAnId) {
  for (const std::string bad : {"", "hosts", "adb:", "adb:-x", "adb:a b",
                                "adb:$(x)", "table:", "gpu:0", "Host"}) {
    EXPECT_THAT(ParseDeviceId(bad),
                StatusIs(kInvalid, testing::AllOf(HasSubstr("\"" + bad + "\""),
                                                  HasSubstr("table:FILE"))));
  }
  EXPECT_THAT(ParseDeviceId("adb:" + std::string(129, 'a')),
              StatusIs(kInvalid));
}

TEST(OpenDeviceTest, SaysWhatIsMissing) {
  FakeClock clock;
  DeviceOptions options;
  options.adb.program = "frostnas-no-such-adb";
  EXPECT_THAT(OpenDevice("adb:0123", options, clock, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::AllOf(HasSubstr("0123"),
                                      HasSubstr("frostnas-no-such-adb"),
                                      HasSubstr("install"))));
  EXPECT_THAT(OpenDevice("table:/nowhere", {}, clock, {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere")));
  EXPECT_THAT(OpenDevice("nothing", {}, clock, {}), StatusIs(kInvalid));
}

TEST(OpenDeviceTest, ARuntimeOfTheUsersNeedsItsModelFormat) {
  v1::CustomRuntime config;
  config.set_device_id("host");
  config.set_name("perf 1");
  config.set_model_format(v1::MODEL_FORMAT_ONNX);
  config.add_command("{model}");
  config.set_pattern("(\\d+)");
  config.set_unit("us");
  DeviceOptions options;
  ASSERT_OK_AND_ASSIGN(const CustomRuntime runtime,
                       CustomRuntime::Create(config, "test"));
  options.runtimes.push_back(runtime);
  FakeClock clock;
  EXPECT_THAT(OpenDevice("host", options, clock, {}),
              StatusIs(kInvalid, HasSubstr("model_format")));
}

class TableDeviceTest : public testing::Test {
 protected:
  TableDeviceTest() : table_(Phone(), 1, 1) {
    int64_t ns = 1000;
    for (const v1::OpKey& op : arch::DistinctOps(graph_)) {
      v1::OpLatency entry;
      *entry.mutable_op() = op;
      entry.set_median_ns(ns += 100);
      EXPECT_OK(table_.Add(entry));
    }
  }

  static v1::Device Phone() {
    v1::Device device;
    device.set_id("adb:0123");
    device.set_fingerprint("phone");
    device.set_model("some phone");
    device.set_measured(true);
    return device;
  }

  const v1::Package package_ = SmallPackage(3);
  const arch::Graph graph_ = *arch::ExpandArchitecture(package_.architecture());
  LatencyTable table_;
  StopSource stop_;
};

TEST_F(TableDeviceTest, AnswersFromTheFileAndSaysSo) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "phone.textproto");
  ASSERT_OK(table_.Save(path));
  FakeClock clock;
  ASSERT_OK_AND_ASSIGN(const auto device,
                       OpenDevice("table:" + path, {}, clock, {}));
  EXPECT_EQ(device->Describe().id(), "table:" + path);
  EXPECT_EQ(device->Describe().model(), "some phone");
  EXPECT_FALSE(device->Describe().measured());
  ASSERT_OK_AND_ASSIGN(const v1::Measurement measured,
                       device->Measure(package_, {}, stop_.token()));
  EXPECT_EQ(measured.verdict(), v1::MEASUREMENT_VERDICT_LOOKED_UP);
  int64_t sum_ns = 0;
  for (const arch::Layer& layer : graph_.layers) {
    sum_ns += table_.Find(*arch::OpKeyOf(layer))->median_ns();
  }
  EXPECT_EQ(measured.median_ns(), sum_ns);
  EXPECT_LT(measured.ci_low_ns(), sum_ns);
  EXPECT_GT(measured.ci_high_ns(), sum_ns);
  EXPECT_EQ(measured.predicted_ns(), measured.median_ns());
  EXPECT_EQ(measured.samples(), 0);
  ASSERT_OK_AND_ASSIGN(const v1::Measurement again,
                       device->Measure(package_, {}, stop_.token()));
  EXPECT_EQ(again.SerializeAsString(), measured.SerializeAsString());
}

TEST_F(TableDeviceTest, AnotherTableIsAnotherDevice) {
  const auto one = CreateTableDevice("table:a", table_);
  const auto same = CreateTableDevice("table:b", table_);
  v1::OpLatency entry = *table_.Find(arch::DistinctOps(graph_)[0]);
  entry.set_median_ns(entry.median_ns() + 1);
  ASSERT_OK(table_.Add(entry));
  const auto other = CreateTableDevice("table:a", table_);
  EXPECT_EQ(one->Describe().fingerprint(), same->Describe().fingerprint());
  EXPECT_NE(one->Describe().fingerprint(), other->Describe().fingerprint());
  EXPECT_NE(one->Describe().fingerprint(), "phone");
}

TEST_F(TableDeviceTest, RefusesWhatItCannotAnswer) {
  const auto device = CreateTableDevice("table:t", table_);
  EXPECT_THAT(
      device->Measure(package_, {.threads = 2}, stop_.token()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("table:t")));
  EXPECT_THAT(device->Measure(package_, {.batch = 0}, stop_.token()),
              StatusIs(kInvalid, HasSubstr("batch")));
  EXPECT_THAT(device->Measure(SmallPackage(6), {}, stop_.token()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("conv")));
  EXPECT_FALSE(device->Measure(v1::Package(), {}, stop_.token()).ok());
  stop_.RequestStop();
  EXPECT_THAT(device->Measure(package_, {}, stop_.token()),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(TableDeviceTest, ProfilesByLookingUp) {
  const auto device = CreateTableDevice("table:t", table_);
  std::vector<v1::OpKey> ops = arch::DistinctOps(graph_);
  int seen = 0;
  const OpCallback done = [&](const v1::OpLatency& entry) {
    EXPECT_EQ(arch::OpKeyText(entry.op()), arch::OpKeyText(ops[seen]));
    EXPECT_EQ(entry.median_ns(), 1100 + 100 * seen);
    ++seen;
    return absl::OkStatus();
  };
  ASSERT_OK(device->ProfileOps(ops, {}, done, stop_.token()));
  EXPECT_EQ(seen, static_cast<int>(ops.size()));

  ops[1].set_out_channels(4000);
  seen = 0;
  EXPECT_THAT(device->ProfileOps(ops, {}, done, stop_.token()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("out=4000")));
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace frostnas::latency

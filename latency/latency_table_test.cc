#include "latency/latency_table.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "arch/digest.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::OpKey Conv(int size, int in, int out, int kernel = 1) {
  v1::OpKey op;
  op.set_kind("conv");
  op.set_in_size(size);
  op.set_in_channels(in);
  op.set_out_channels(out);
  op.set_kernel(kernel);
  op.set_stride(1);
  op.set_activation(v1::ACTIVATION_RELU);
  return op;
}

v1::OpLatency Entry(const v1::OpKey& op, int64_t median_ns) {
  v1::OpLatency entry;
  *entry.mutable_op() = op;
  entry.set_median_ns(median_ns);
  entry.set_error_ns(median_ns / 100);
  entry.set_samples(50);
  return entry;
}

v1::Device Host(const std::string& fingerprint = "f0") {
  v1::Device device;
  device.set_id("host");
  device.set_fingerprint(fingerprint);
  device.set_model("a processor");
  return device;
}

LatencyTable TwoOps() {
  LatencyTable table(Host(), 1, 1);
  EXPECT_OK(table.Add(Entry(Conv(16, 8, 24), 3000)));
  EXPECT_OK(table.Add(Entry(Conv(16, 24, 8), 5000)));
  return table;
}

// Layers that run: the two ops of TwoOps, the second twice.
arch::Graph ThreeLayers() {
  arch::Graph graph;
  for (const v1::OpKey& op :
       {Conv(16, 8, 24), Conv(16, 24, 8), Conv(16, 24, 8)}) {
    graph.layers.push_back(*arch::LayerOf(op));
  }
  arch::Layer dropout;
  dropout.kind = arch::LayerKind::kDropout;
  graph.layers.push_back(dropout);
  return graph;
}

TEST(LatencyTableTest, FindsWhatWasAdded) {
  LatencyTable table = TwoOps();
  EXPECT_EQ(table.num_ops(), 2);
  ASSERT_NE(table.Find(Conv(16, 8, 24)), nullptr);
  EXPECT_EQ(table.Find(Conv(16, 8, 24))->median_ns(), 3000);
  EXPECT_EQ(table.Find(Conv(16, 8, 32)), nullptr);
  ASSERT_OK(table.Add(Entry(Conv(16, 8, 24), 3100)));
  EXPECT_EQ(table.num_ops(), 2);
  EXPECT_EQ(table.Find(Conv(16, 8, 24))->median_ns(), 3100);
}

TEST(LatencyTableTest, ListsMissingOpsInOrder) {
  const std::vector<v1::OpKey> missing =
      TwoOps().Missing({Conv(8, 8, 8), Conv(16, 8, 24), Conv(4, 8, 8)});
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_EQ(missing[0].in_size(), 8);
  EXPECT_EQ(missing[1].in_size(), 4);
}

TEST(LatencyTableTest, NamesTheOpThatIsMissingAndTheRemedy) {
  EXPECT_OK(TwoOps().Get(Conv(16, 8, 24)));
  EXPECT_THAT(
      TwoOps().Get(Conv(16, 8, 40)),
      StatusIs(absl::StatusCode::kNotFound,
               testing::AllOf(HasSubstr(arch::OpKeyText(Conv(16, 8, 40))),
                              HasSubstr("profile"))));
}

TEST(LatencyTableTest, KeepsWholeNetworks) {
  LatencyTable table = TwoOps();
  const std::string digest = arch::GraphDigest(ThreeLayers());
  EXPECT_EQ(table.FindNetwork(digest), nullptr);
  ASSERT_OK(table.AddNetwork(
      {.graph = ThreeLayers(), .median_ns = 15000, .held_out = true}));
  EXPECT_EQ(table.calibration().networks(), 0);
  MeasuredNetwork again = {
      .graph = ThreeLayers(), .median_ns = 14000, .error_ns = 20, .samples = 9};
  again.choice.add_candidate(4);
  ASSERT_OK(table.AddNetwork(again));
  ASSERT_EQ(table.calibration().measured_size(), 1);
  EXPECT_EQ(table.calibration().networks(), 1);
  EXPECT_EQ(table.calibration().ops_size(), 2);
  const v1::NetworkLatency* network = table.FindNetwork(digest);
  ASSERT_NE(network, nullptr);
  EXPECT_THAT(network->ops(), ElementsAre(0, 1, 1));
  EXPECT_EQ(network->median_ns(), 14000);
  EXPECT_THAT(network->candidate(), ElementsAre(4));
  ASSERT_OK_AND_ASSIGN(const LatencyTable read,
                       LatencyTable::Parse(table.Serialize(), "t"));
  EXPECT_EQ(read.Serialize(), table.Serialize());
}

TEST(LatencyTableTest, RefusesNetworksThatAreNotWellFormed) {
  LatencyTable table = TwoOps();
  ASSERT_OK(table.AddNetwork({.graph = ThreeLayers(), .median_ns = 15000}));
  v1::Calibration calibration = table.calibration();
  calibration.mutable_measured(0)->add_ops(2);
  EXPECT_THAT(table.set_calibration(calibration),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("op 2")));
  calibration = table.calibration();
  *calibration.add_measured() = calibration.measured(0);
  EXPECT_THAT(table.set_calibration(calibration),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")));
  calibration = table.calibration();
  calibration.mutable_measured(0)->set_median_ns(0);
  EXPECT_FALSE(table.set_calibration(calibration).ok());
  calibration.mutable_measured(0)->set_median_ns(1);
  calibration.mutable_measured(0)->set_arch_sha256("x");
  EXPECT_FALSE(table.set_calibration(calibration).ok());
}

TEST(LatencyTableTest, SurvivesAFile) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "host.textproto");
  LatencyTable table = TwoOps();
  v1::Calibration calibration;
  calibration.set_slope(1.25);
  calibration.set_networks(4);
  ASSERT_OK(table.set_calibration(calibration));
  v1::FullSpeeds speeds;
  (*speeds.mutable_ns())[32] = 61234.5;
  table.KeepFullSpeeds(speeds);
  // What a table has stays.
  (*speeds.mutable_ns())[32] = 60000;
  (*speeds.mutable_ns())[224] = 250000;
  table.KeepFullSpeeds(speeds);
  ASSERT_OK(table.Save(path));
  ASSERT_OK_AND_ASSIGN(const LatencyTable loaded, LatencyTable::Load(path));
  EXPECT_EQ(loaded.Serialize(), table.Serialize());
  EXPECT_EQ(loaded.calibration().slope(), 1.25);
  EXPECT_EQ(loaded.full_speeds().ns().at(32), 61234.5);
  EXPECT_EQ(loaded.full_speeds().ns().at(224), 250000);
  EXPECT_EQ(loaded.device().model(), "a processor");
  EXPECT_THAT(LatencyTable::Load(JoinPath(dir.path(), "absent")),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(LatencyTableTest, MergesTablesOfOneDeviceOnly) {
  LatencyTable table = TwoOps();
  LatencyTable newer(Host(), 1, 1);
  ASSERT_OK(newer.Add(Entry(Conv(16, 8, 24), 2900)));
  ASSERT_OK(newer.Add(Entry(Conv(8, 8, 24), 700)));
  ASSERT_OK(table.Merge(newer));
  EXPECT_EQ(table.num_ops(), 3);
  EXPECT_EQ(table.Find(Conv(16, 8, 24))->median_ns(), 2900);

  EXPECT_THAT(table.Merge(LatencyTable(Host("f1"), 1, 1)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("different devices")));
  EXPECT_THAT(table.Merge(LatencyTable(Host(), 2, 1)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

struct BadFile {
  std::string from;
  std::string to;
  absl::StatusCode code;
  std::string says;
};

class BadTableTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadTableTest, IsRefusedWithThePlaceAtFault) {
  const std::string good = TwoOps().Serialize();
  ASSERT_OK(LatencyTable::Parse(good, "good"));
  const std::string bad =
      absl::StrReplaceAll(good, {{GetParam().from, GetParam().to}});
  ASSERT_NE(bad, good);
  EXPECT_THAT(
      LatencyTable::Parse(bad, "t.textproto"),
      StatusIs(GetParam().code, testing::AllOf(HasSubstr("t.textproto"),
                                               HasSubstr(GetParam().says))));
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    All, BadTableTest,
    testing::Values(
        BadFile{"format_version: 1", "format_version: 2",
                absl::StatusCode::kFailedPrecondition, "newer"},
        BadFile{"format_version: 1", "", kInvalid, "format_version is 0"},
        BadFile{"threads: 1", "threads: 0", kInvalid, "threads"},
        BadFile{"batch: 1", "batch: -3", kInvalid, "batch"},
        BadFile{"median_ns: 3000", "median_ns: 0", kInvalid, "median_ns"},
        BadFile{"median_ns: 3000", "median_ns: 9000000000000000000", kInvalid,
                "median_ns"},
        BadFile{"error_ns: 30", "error_ns: -30", kInvalid, "error_ns"},
        BadFile{"kind: \"conv\"", "kind: \"fft\"", kInvalid, "fft"},
        BadFile{"in_size: 16", "in_size: 2000000000", kInvalid, "in_size"},
        BadFile{"samples: 50", "samples: -50", kInvalid, "samples"},
        BadFile{"slope: 1", "slope: -1", kInvalid, "calibration.slope"},
        BadFile{"slope: 1", "slope: nan", kInvalid, "calibration.slope"},
        BadFile{"slope: 1", "intercept_ns: inf slope: 1", kInvalid,
                "calibration.intercept_ns"},
        BadFile{"batch: 1", "batch: 1 colour: 7", kInvalid, "line"},
        BadFile{"calibration {", "calibration {{{{", kInvalid, "line"},
        BadFile{"in_channels: 24\n    out_channels: 8",
                "in_channels: 8\n    out_channels: 24", kInvalid,
                "there twice"}));

TEST(LatencyTableTest, RefusesWhatIsNotAText) {
  EXPECT_THAT(LatencyTable::Parse(std::string(100, '\0'), "zeros"),
              StatusIs(kInvalid));
  EXPECT_THAT(LatencyTable::Parse("", "empty"),
              StatusIs(kInvalid, HasSubstr("empty")));
  EXPECT_THAT(LatencyTable::Parse(std::string((16 << 20) + 1, '#'), "large"),
              StatusIs(kInvalid, HasSubstr("bytes")));
}

}  // namespace
}  // namespace frostnas::latency

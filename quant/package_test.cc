#include "quant/package.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/quantized_graph.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr size_t kHeader = 8 + 32;

v1::Package TestPackage() {
  const v1::Architecture architecture = EveryLayerArchitecture();
  v1::DatasetInfo dataset;
  for (int c = 0; c < 3; ++c) {
    dataset.add_mean(0.4f);
    dataset.add_stddev(0.2f);
  }
  return MakePackage(RandomQuantizedGraph(
                         arch::ExpandArchitecture(architecture).value(), 1),
                     architecture, dataset)
      .value();
}

v1::FloatNetwork TestFloatNetwork() {
  v1::FloatNetwork network;
  *network.mutable_architecture() = EveryLayerArchitecture();
  v1::NamedTensor& tensor = *network.add_tensors();
  tensor.set_name("b1.conv.weight");
  tensor.add_shape(2);
  tensor.add_shape(3);
  const float values[6] = {1, 2, 3, 4, 5, 6};
  tensor.set_data(values, sizeof(values));
  return network;
}

// A package file around any payload, its digest right.
std::string WithDigest(absl::string_view magic, absl::string_view payload) {
  return std::string(magic) + absl::HexStringToBytes(Sha256Hex(payload)) +
         std::string(payload);
}

TEST(PackageTest, SurvivesTheFile) {
  const v1::Package package = TestPackage();
  const std::string bytes = SerializePackage(package);
  ASSERT_OK_AND_ASSIGN(const v1::Package read, ParsePackage(bytes));
  EXPECT_EQ(read.SerializeAsString(), package.SerializeAsString());
  EXPECT_EQ(bytes.substr(0, 8), "FNPKG01\n");
}

TEST(PackageTest, EveryTruncationIsDataLoss) {
  const std::string bytes = SerializePackage(TestPackage());
  for (size_t size = 0; size < bytes.size();
       size += size < 200 ? 1 : bytes.size() / 300) {
    EXPECT_THAT(ParsePackage(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
}

TEST(PackageTest, EveryBitFlipIsDataLoss) {
  std::string bytes = SerializePackage(TestPackage());
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    const size_t at = i < 48 ? i : random.UniformInt(bytes.size());
    const char mask = static_cast<char>(1 << random.UniformInt(8));
    bytes[at] ^= mask;
    EXPECT_THAT(ParsePackage(bytes), StatusIs(absl::StatusCode::kDataLoss));
    bytes[at] ^= mask;
  }
}

// The digest of hostile bytes is right, so every check behind it is met.
TEST(PackageTest, ChangedPayloadsWithARightDigestNeverCrash) {
  const std::string payload = SerializePackage(TestPackage()).substr(kHeader);
  Random random(4);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string changed = payload;
    for (int k = 0; k <= i % 4; ++k) {
      changed[random.UniformInt(changed.size())] =
          static_cast<char>(random.NextUint32());
    }
    if (i % 3 == 0) changed.resize(random.UniformInt(changed.size()));
    const auto parsed = ParsePackage(WithDigest("FNPKG01\n", changed));
    if (parsed.ok()) continue;
    ++refused;
    EXPECT_THAT(parsed, AnyOf(StatusIs(absl::StatusCode::kDataLoss),
                              StatusIs(absl::StatusCode::kInvalidArgument),
                              StatusIs(absl::StatusCode::kFailedPrecondition)));
  }
  EXPECT_GT(refused, 100);
}

// Two bytes on the wire, an object in memory: refused before it is parsed.
TEST(PackageTest, MillionsOfEmptyLayersAreRefused) {
  std::string payload;
  for (int i = 0; i < 1000000; ++i) payload += std::string("\x22\x00", 2);
  EXPECT_THAT(ParsePackage(WithDigest("FNPKG01\n", payload)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(PackageTest, NewerVersionsSayWhatToDo) {
  v1::Package package = TestPackage();
  package.set_format_version(2);
  EXPECT_THAT(
      ParsePackage(WithDigest("FNPKG01\n", package.SerializeAsString())),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer")));
}

TEST(PackageTest, AFloatNetworkIsNoPackage) {
  EXPECT_THAT(
      ParsePackage(SerializeFloatNetwork(TestFloatNetwork())),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not a package")));
}

TEST(PackageTest, RefusesFieldsOutOfRange) {
  const struct {
    const char* message;
    std::function<void(v1::Package&)> spoil;
  } cases[] = {
      {"mean", [](auto& p) { p.mutable_input()->clear_mean(); }},
      {"stddev[1]", [](auto& p) { p.mutable_input()->set_stddev(1, 0); }},
      {"\"input\": output.scale",
       [](auto& p) { p.mutable_input()->mutable_grid()->set_scale(-1); }},
      {"format_version", [](auto& p) { p.set_format_version(0); }},
      {"layers", [](auto& p) { p.mutable_layers()->RemoveLast(); }},
      {"input_size",
       [](auto& p) { p.mutable_architecture()->set_input_size(3); }},
      {"fake_quant_top1", [](auto& p) { p.set_fake_quant_top1(std::nan("")); }},
  };
  for (const auto& c : cases) {
    v1::Package package = TestPackage();
    c.spoil(package);
    EXPECT_THAT(
        ValidatePackage(package),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(FloatNetworkTest, SurvivesTheFile) {
  ASSERT_OK_AND_ASSIGN(
      const v1::FloatNetwork read,
      ParseFloatNetwork(SerializeFloatNetwork(TestFloatNetwork())));
  EXPECT_EQ(read.format_version(), 1);
  EXPECT_EQ(read.tensors(0).name(), "b1.conv.weight");
}

TEST(FloatNetworkTest, EveryTruncationIsDataLoss) {
  const std::string bytes = SerializeFloatNetwork(TestFloatNetwork());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ParseFloatNetwork(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

TEST(FloatNetworkTest, RefusesTensorsThatDoNotFit) {
  const struct {
    const char* message;
    std::function<void(v1::NamedTensor&)> spoil;
  } cases[] = {
      {"name", [](auto& t) { t.clear_name(); }},
      {"1..4 dimensions", [](auto& t) { t.clear_shape(); }},
      {"does not fit", [](auto& t) { t.set_shape(0, 3); }},
      {"does not fit", [](auto& t) { t.set_shape(0, -2); }},
      {"does not fit",
       [](auto& t) { t.set_shape(0, std::numeric_limits<int32_t>::max()); }},
      {"does not fit", [](auto& t) { t.mutable_data()->pop_back(); }},
      {"not finite",
       [](auto& t) { t.mutable_data()->replace(8, 4, "\xff\xff\xff\x7f"); }},
  };
  for (const auto& c : cases) {
    v1::FloatNetwork network = TestFloatNetwork();
    c.spoil(*network.mutable_tensors(0));
    EXPECT_THAT(
        ParseFloatNetwork(SerializeFloatNetwork(network)),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(FloatNetworkTest, RefusesATensorTwice) {
  v1::FloatNetwork network = TestFloatNetwork();
  *network.add_tensors() = network.tensors(0);
  EXPECT_THAT(
      ParseFloatNetwork(SerializeFloatNetwork(network)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("appears twice")));
}

}  // namespace
}  // namespace frostnas::quant

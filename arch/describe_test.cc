#include "arch/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "arch/graph.h"
#include "base/file.h"
#include "base/status_matchers.h"

namespace frostnas::arch {
namespace {

using ::testing::HasSubstr;

TEST(DescribeTest, JsonHasTotalsAndLayers) {
  ASSERT_OK_AND_ASSIGN(const Description description,
                       Describe("frostnet_small", {.width = 0.5}));
  const auto json = nlohmann::json::parse(DescriptionJson(description));
  EXPECT_EQ(json["name"], "frostnet_small_0.5");
  EXPECT_EQ(json["input_size"], 224);
  EXPECT_EQ(json["classes"], 1000);
  EXPECT_EQ(json["params"], 2351896);
  EXPECT_EQ(json["macs"], 100614368);
  EXPECT_EQ(json["sha256"].get<std::string>().size(), 64u);
  ASSERT_EQ(json["layers"].size(), description.graph.layers.size());
  const auto& stem = json["layers"][0];
  EXPECT_EQ(stem["name"], "stem.conv");
  EXPECT_EQ(stem["kind"], "conv");
  EXPECT_EQ(stem["in"], nlohmann::json({224, 224, 3}));
  EXPECT_EQ(stem["out"], nlohmann::json({112, 112, 16}));
  EXPECT_EQ(stem["kernel"], 3);
  EXPECT_EQ(stem["stride"], 2);
  EXPECT_EQ(stem["params"], 27 * 16 + 32);
  EXPECT_EQ(stem["macs"], 27 * 16 * 112 * 112);
  EXPECT_EQ(stem["bytes"], 27 * 16 + 8 * 16);
}

TEST(DescribeTest, LayersAddUpToTheTotals) {
  ASSERT_OK_AND_ASSIGN(const Description description,
                       Describe("mobilenet_v2", {.input_size = 32}));
  const auto json = nlohmann::json::parse(DescriptionJson(description));
  int64_t params = 0;
  int64_t macs = 0;
  int64_t bytes = 0;
  for (const auto& layer : json["layers"]) {
    params += layer["params"].get<int64_t>();
    macs += layer["macs"].get<int64_t>();
    bytes += layer["bytes"].get<int64_t>();
  }
  EXPECT_EQ(json["params"], params);
  EXPECT_EQ(json["macs"], macs);
  EXPECT_EQ(json["package_bytes"], bytes);
}

TEST(DescribeTest, TextHasALineALayerAndTheTotal) {
  ASSERT_OK_AND_ASSIGN(const Description description,
                       Describe("goyal_sequential", {}));
  const std::string text = DescriptionText(description);
  for (const Layer& layer : description.graph.layers) {
    EXPECT_THAT(text, HasSubstr("\n" + layer.name + " "));
  }
  EXPECT_THAT(text, HasSubstr("\ntotal "));
  EXPECT_THAT(text, HasSubstr(std::to_string(description.total.macs)));
}

TEST(DescribeTest, ANameThatIsNotUtf8StillGivesJson) {
  ASSERT_OK_AND_ASSIGN(Description description,
                       Describe("goyal_sequential", {}));
  description.architecture.set_name("\xff\"\n");
  EXPECT_FALSE(
      nlohmann::json::parse(DescriptionJson(description), nullptr, false)
          .is_discarded());
}

TEST(DescribeTest, GivesTheErrorsOfLoading) {
  EXPECT_THAT(Describe("nothing", {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Describe(v1::Architecture()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::arch

#include "arch/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "arch/cost.h"
#include "arch/digest.h"
#include "arch/graph.h"
#include "base/file.h"
#include "base/status_matchers.h"

namespace frostnas::arch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// Blocks without, and with, a residual addition and a squeeze.
struct BlockCounts {
  int blocks = 0;
  int adds = 0;
  int squeezes = 0;
};

BlockCounts Count(const std::string& name, double width) {
  const auto architecture = PresetArchitecture(name, {.width = width});
  EXPECT_OK(architecture);
  BlockCounts counts;
  for (const v1::Block& block : architecture->blocks()) {
    counts.blocks += block.has_frost();
  }
  const auto graph = ExpandArchitecture(*architecture);
  EXPECT_OK(graph);
  for (const Layer& layer : graph->layers) {
    counts.adds += layer.kind == LayerKind::kAdd;
    counts.squeezes += layer.kind == LayerKind::kConcat;
  }
  return counts;
}

TEST(PresetsTest, AreListedAndAllExpand) {
  EXPECT_THAT(PresetNames(),
              ElementsAre("frostnet_small", "frostnet_base", "frostnet_large",
                          "mobilenet_v1", "mobilenet_v2", "qf_mobilenet_v1",
                          "goyal_sequential"));
  for (const std::string& name : PresetNames()) {
    for (const int input_size : {32, 64, 96, 224}) {
      EXPECT_OK(PresetArchitecture(name, {.input_size = input_size})) << name;
    }
  }
}

// methods.md 1.2: blocks / residual additions / blocks with a squeeze.
TEST(PresetsTest, FrostNetsHaveThePublishedBlockCounts) {
  const BlockCounts large = Count("frostnet_large", 1);
  EXPECT_EQ(large.blocks, 18);
  EXPECT_EQ(large.adds, 11);
  EXPECT_EQ(large.squeezes, 14);
  const BlockCounts base = Count("frostnet_base", 1);
  EXPECT_EQ(base.blocks, 16);
  EXPECT_EQ(base.adds, 9);
  EXPECT_EQ(base.squeezes, 12);
  const BlockCounts small = Count("frostnet_small", 1);
  EXPECT_EQ(small.blocks, 14);
  EXPECT_EQ(small.adds, 7);
  EXPECT_EQ(small.squeezes, 10);
}

TEST(PresetsTest, DefaultsAreThePublishedOnes) {
  ASSERT_OK_AND_ASSIGN(const v1::Architecture frostnet,
                       PresetArchitecture("frostnet_base", {}));
  EXPECT_EQ(frostnet.name(), "frostnet_base_1");
  EXPECT_EQ(frostnet.input_size(), 224);
  EXPECT_EQ(frostnet.num_classes(), 1000);
  ASSERT_OK_AND_ASSIGN(const v1::Architecture goyal,
                       PresetArchitecture("goyal_sequential", {}));
  EXPECT_EQ(goyal.input_size(), 32);
  EXPECT_EQ(goyal.num_classes(), 10);
  ASSERT_OK_AND_ASSIGN(const Graph graph, ExpandArchitecture(goyal));
  EXPECT_TRUE(graph.layers[0].norm_after_activation);
  EXPECT_EQ(graph.layers[graph.layers.size() - 2].pool, v1::GLOBAL_POOL_MAX);
}

TEST(PresetsTest, SmallInputsKeepStrideOneAtTheStem) {
  for (const std::string& name : PresetNames()) {
    ASSERT_OK_AND_ASSIGN(const v1::Architecture architecture,
                         PresetArchitecture(name, {.input_size = 32}));
    EXPECT_EQ(architecture.blocks(0).conv().stride(), 1) << name;
  }
}

TEST(PresetsTest, RefusesUnknownNamesAndBadOverrides) {
  EXPECT_THAT(PresetArchitecture("resnet", {}),
              StatusIs(kInvalid, HasSubstr("frostnet_small")));
  EXPECT_THAT(PresetArchitecture("frostnet_small", {.width = -1}),
              StatusIs(kInvalid, HasSubstr("width")));
  EXPECT_THAT(PresetArchitecture("goyal_sequential", {.input_size = 8}),
              IsOk());
  EXPECT_THAT(PresetArchitecture("frostnet_small", {.input_size = 4}),
              StatusIs(kInvalid, HasSubstr("input_size")));
}

TEST(LoadArchitectureTest, ReadsAFileAndAppliesOverrides) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "net.textproto");
  ASSERT_OK(WriteFileAtomic(
      path,
      "input_size: 32 input_channels: 3 num_classes: 10 blocks { name: 'c' "
      "classifier { pool: GLOBAL_POOL_AVERAGE } }"));
  ASSERT_OK_AND_ASSIGN(
      const v1::Architecture architecture,
      LoadArchitecture(path, {.input_size = 16, .num_classes = 5}));
  EXPECT_EQ(architecture.input_size(), 16);
  EXPECT_EQ(architecture.num_classes(), 5);
  EXPECT_THAT(LoadArchitecture(path, {.width = 0.5}),
              StatusIs(kInvalid, HasSubstr("presets only")));
  EXPECT_THAT(LoadArchitecture(path, {.num_classes = 1}),
              StatusIs(kInvalid, HasSubstr(path + ": num_classes")));
}

TEST(LoadArchitectureTest, NamesWhatItCannotFind) {
  EXPECT_THAT(LoadArchitecture("no_such_net", {}),
              StatusIs(kInvalid, HasSubstr("presets are frostnet_small")));
}

TEST(LoadArchitectureTest, APresetsNameComesFirst) {
  ASSERT_OK_AND_ASSIGN(const v1::Architecture loaded,
                       LoadArchitecture("mobilenet_v2", {.width = 0.5}));
  ASSERT_OK_AND_ASSIGN(const v1::Architecture preset,
                       PresetArchitecture("mobilenet_v2", {.width = 0.5}));
  EXPECT_EQ(*ArchitectureDigest(loaded), *ArchitectureDigest(preset));
}

}  // namespace
}  // namespace frostnas::arch

#include "arch/digest.h"

#include <gtest/gtest.h>

#include <string>

#include "arch/graph.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "google/protobuf/text_format.h"

namespace frostnas::arch {
namespace {

// Stem, `block`, classifier; 16 channels reach the block.
v1::Architecture Network(const std::string& block) {
  v1::Architecture architecture;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "name: 'n' input_size: 32 input_channels: 3 num_classes: 10 "
      "blocks { name: 'stem' conv { out_channels: 16 kernel: 3 stride: 1 "
      "activation: ACTIVATION_RELU } } blocks { name: 'b' " +
          block +
          "} blocks { name: 'head' classifier { pool: GLOBAL_POOL_AVERAGE } }",
      &architecture));
  return architecture;
}

std::string DigestOf(const v1::Architecture& architecture) {
  const absl::StatusOr<std::string> digest = ArchitectureDigest(architecture);
  EXPECT_OK(digest);
  return digest.value_or("");
}

std::string Frost(int expansion, int reduction) {
  return "frost { out_channels: 16 kernel: 3 stride: 1 expansion: " +
         std::to_string(expansion) +
         " reduction: " + std::to_string(reduction) + " }";
}

TEST(DigestTest, IsTheSha256OfTheCanonicalForm) {
  const v1::Architecture network = Network(Frost(3, 2));
  ASSERT_OK_AND_ASSIGN(const Graph graph, ExpandArchitecture(network));
  EXPECT_EQ(DigestOf(network), Sha256Hex(CanonicalForm(graph)));
  EXPECT_TRUE(IsSha256Hex(DigestOf(network)));
}

// Stored digests outlive programs: this one must never change.
TEST(DigestTest, CanonicalFormIsFixed) {
  v1::Architecture network = Network("pool { kernel: 2 stride: 2 }");
  network.mutable_blocks(2)->mutable_classifier()->set_dropout(0.25);
  ASSERT_OK_AND_ASSIGN(const Graph graph, ExpandArchitecture(network));
  EXPECT_EQ(
      CanonicalForm(graph),
      "frostnas-network-1\ninput=32x3\n"
      "conv in=-1 out=32x16 kernel=3 stride=1 norm=1 after=0 activation=2 "
      "pool=0 dropout=0\n"
      "max_pool in=0 out=16x16 kernel=2 stride=2 norm=0 after=0 activation=1 "
      "pool=0 dropout=0\n"
      "global_pool in=1 out=1x16 kernel=1 stride=1 norm=0 after=0 activation=1 "
      "pool=1 dropout=0\n"
      "dropout in=2 out=1x16 kernel=1 stride=1 norm=0 after=0 activation=1 "
      "pool=0 dropout=0.25\n"
      "linear in=3 out=1x10 kernel=1 stride=1 norm=0 after=0 activation=1 "
      "pool=0 dropout=0\n");
}

TEST(DigestTest, NamesDoNotCount) {
  v1::Architecture renamed = Network(Frost(3, 2));
  renamed.set_name("other");
  renamed.mutable_blocks(1)->set_name("s9");
  EXPECT_EQ(DigestOf(renamed), DigestOf(Network(Frost(3, 2))));
}

TEST(DigestTest, ReductionCountsOnlyWhereThereIsASqueeze) {
  // 16 / 4 < 8: no squeeze; 16 / 2 = 8: a squeeze.
  EXPECT_EQ(DigestOf(Network(Frost(3, 4))), DigestOf(Network(Frost(3, 8))));
  EXPECT_NE(DigestOf(Network(Frost(3, 4))), DigestOf(Network(Frost(3, 2))));
  EXPECT_EQ(DigestOf(Network(Frost(1, 2))), DigestOf(Network(Frost(1, 4))));
}

TEST(DigestTest, FrostWithoutSqueezeIsAnInvertedResidualWithRelu) {
  EXPECT_EQ(DigestOf(Network(Frost(3, 4))),
            DigestOf(Network("inverted_residual { out_channels: 16 kernel: 3 "
                             "stride: 1 expansion: 3 "
                             "activation: ACTIVATION_RELU }")));
}

TEST(DigestTest, EveryOtherFieldCounts) {
  const v1::Architecture base = Network(Frost(3, 2));
  const std::string digest = DigestOf(base);
  const auto changed = [&](auto change) {
    v1::Architecture other = base;
    change(other);
    return DigestOf(other);
  };
  EXPECT_NE(changed([](auto& a) { a.set_input_size(33); }), digest);
  EXPECT_NE(changed([](auto& a) { a.set_input_channels(1); }), digest);
  EXPECT_NE(changed([](auto& a) { a.set_num_classes(11); }), digest);
  EXPECT_NE(changed([](auto& a) {
              a.mutable_blocks(0)->mutable_conv()->set_activation(
                  v1::ACTIVATION_RELU6);
            }),
            digest);
  EXPECT_NE(
      changed([](auto& a) {
        a.mutable_blocks(0)->mutable_conv()->set_norm_after_activation(true);
      }),
      digest);
  EXPECT_NE(changed([](auto& a) {
              a.mutable_blocks(1)->mutable_frost()->set_kernel(5);
            }),
            digest);
  EXPECT_NE(changed([](auto& a) {
              a.mutable_blocks(2)->mutable_classifier()->set_pool(
                  v1::GLOBAL_POOL_MAX);
            }),
            digest);
  EXPECT_NE(changed([](auto& a) {
              a.mutable_blocks(2)->mutable_classifier()->set_dropout(0.5);
            }),
            digest);
}

TEST(DigestTest, RefusesWhatDoesNotExpand) {
  EXPECT_THAT(ArchitectureDigest(v1::Architecture()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::arch

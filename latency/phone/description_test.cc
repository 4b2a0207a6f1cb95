#include "latency/phone/description.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(DescriptionTest, ReadsProperties) {
  EXPECT_THAT(ParseProperties("[ro.product.model]: [Pixel 8]\r\n"
                              "[empty]: []\n"
                              "a warning\n"
                              "[odd]: [a]: [b]]\n"),
              UnorderedElementsAre(Pair("ro.product.model", "Pixel 8"),
                                   Pair("empty", ""), Pair("odd", "a]: [b]")));
}

TEST(DescriptionTest, SurvivesAnyText) {
  for (const char* text : {"", "[", "]", "[]", "[]: [", "[a]", "[a]: "}) {
    EXPECT_LE(ParseProperties(text).size(), 1u) << text;
  }
}

}  // namespace
}  // namespace frostnas::latency

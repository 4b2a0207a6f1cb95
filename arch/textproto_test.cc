#include "arch/textproto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "base/status_matchers.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParseTextprotoTest, ReplacesTheMessage) {
  v1::Architecture message;
  message.set_num_classes(7);
  EXPECT_OK(ParseTextproto("input_size: 32", "t", message));
  EXPECT_EQ(message.input_size(), 32);
  EXPECT_EQ(message.num_classes(), 0);
}

TEST(ParseTextprotoTest, NamesSourceLineAndColumn) {
  v1::Architecture message;
  EXPECT_THAT(ParseTextproto("input_size: 32\n  colour: 3", "a.txt", message),
              StatusIs(kInvalid, HasSubstr("a.txt:2:9: ")));
  EXPECT_THAT(ParseTextproto("blocks {", "a.txt", message),
              StatusIs(kInvalid, HasSubstr("a.txt:1:")));
  EXPECT_THAT(ParseTextproto("\x01\xff", "a.txt", message),
              StatusIs(kInvalid, HasSubstr("a.txt:1:")));
}

TEST(ParseTextprotoTest, RefusesDeepNestingAndLongText) {
  v1::Architecture message;
  std::string deep = "blocks { unknown ";
  for (int i = 0; i < 100000; ++i) deep += "{ a ";
  EXPECT_THAT(ParseTextproto(deep, "a.txt", message), StatusIs(kInvalid));
  const std::string lengthy((size_t{1} << 20) + 1, ' ');
  EXPECT_THAT(ParseTextproto(lengthy, "a.txt", message), StatusIs(kInvalid));
}

TEST(ReadTextprotoTest, ReadsAFileAndNamesItInErrors) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "net.textproto");
  v1::Architecture message;
  EXPECT_THAT(ReadTextproto(path, message),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  ASSERT_OK(WriteFileAtomic(path, "input_size: 16"));
  EXPECT_OK(ReadTextproto(path, message));
  EXPECT_EQ(message.input_size(), 16);
  ASSERT_OK(WriteFileAtomic(path, "input_size: x"));
  EXPECT_THAT(ReadTextproto(path, message),
              StatusIs(kInvalid, HasSubstr(path + ":1:")));
}

}  // namespace
}  // namespace frostnas::arch

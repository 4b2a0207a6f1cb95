#include "latency/runner/own_file.h"

#include <unistd.h>

#include <string>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

constexpr char kMaps[] =
    "00010000-00020000 r--p 00000000 08:01 12   /a/ld.so\n"
    "55550000-55560000 r-xp 00001000 08:01 34   /a/b c/runner\n"
    "7fff0000-7fff8000 rw-p 00000000 00:00 0    [stack]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0\n";

TEST(OwnFileTest, FindsTheMappedFile) {
  EXPECT_EQ(FileMappedAt(kMaps, 0x55550000), "/a/b c/runner");
  EXPECT_EQ(FileMappedAt(kMaps, 0x5555ffff), "/a/b c/runner");
  EXPECT_EQ(FileMappedAt(kMaps, 0x10000), "/a/ld.so");
  EXPECT_EQ(FileMappedAt(kMaps, 0x55560000), "");
  EXPECT_EQ(FileMappedAt(kMaps, 0x7fff0000), "");
  EXPECT_EQ(FileMappedAt(kMaps, 0xffffffffff600000), "");
}

TEST(OwnFileTest, BearsAnyText) {
  for (const char* text : {"", "\n\n", "-", "zz-yy r-xp /x", "1-", "-2 /x"}) {
    EXPECT_EQ(FileMappedAt(text, 1), "") << text;
  }
}

TEST(OwnFileTest, IsThisTest) {
  ASSERT_OK_AND_ASSIGN(const std::string self,
                       Sha256HexOfFile("/proc/self/exe"));
  EXPECT_THAT(Sha256HexOfFile(OwnFile()), IsOkAndHolds(self));
}

}  // namespace
}  // namespace frostnas::latency

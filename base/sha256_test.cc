#include "base/sha256.h"

#include <string>

#include "absl/status/status.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kMillionA[] =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

// The vectors of FIPS 180-4.
TEST(Sha256Test, PublishedDigests) {
  EXPECT_EQ(Sha256Hex("abc"), kAbc);
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')), kMillionA);
}

TEST(Sha256Test, PiecesGiveTheDigestOfTheWhole) {
  Sha256 digest;
  digest.Update("a");
  digest.Update("");
  digest.Update("bc");
  EXPECT_EQ(digest.FinishHex(), kAbc);
}

TEST(Sha256Test, FilesAreRead) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "f");
  ASSERT_OK(WriteFileAtomic(path, std::string(1'000'000, 'a')));
  EXPECT_THAT(Sha256HexOfFile(path), IsOkAndHolds(kMillionA));
  EXPECT_THAT(Sha256HexOfFile(JoinPath(dir.path(), "none")),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Sha256HexOfFile(dir.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(Sha256Test, TheFormIsChecked) {
  EXPECT_TRUE(IsSha256Hex(kAbc));
  EXPECT_FALSE(IsSha256Hex(""));
  EXPECT_FALSE(IsSha256Hex(std::string(64, 'A')));
  EXPECT_FALSE(IsSha256Hex(std::string(63, 'a')));
  EXPECT_FALSE(IsSha256Hex(std::string(64, '/')));
}

}  // namespace
}  // namespace frostnas

#include "base/file.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(TempDir dir, TempDir::Create());
    dir_ = std::make_unique<TempDir>(std::move(dir));
  }

  std::string Path(const std::string& name) const {
    return JoinPath(dir_->path(), name);
  }

  std::unique_ptr<TempDir> dir_;
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  const std::string bytes("a\0b\n", 4);
  ASSERT_OK(WriteFileAtomic(Path("f"), bytes));
  EXPECT_THAT(ReadFile(Path("f"), 100), IsOkAndHolds(bytes));
  ASSERT_OK(WriteFileAtomic(Path("f"), ""));
  EXPECT_THAT(ReadFile(Path("f"), 100), IsOkAndHolds(""));
  EXPECT_THAT(ListDir(dir_->path()), IsOkAndHolds(ElementsAre("f")));
}

TEST_F(FileTest, TheLimitIsTheLargestSizeAllowed) {
  ASSERT_OK(WriteFileAtomic(Path("f"), "12345"));
  EXPECT_THAT(ReadFile(Path("f"), 5), IsOkAndHolds("12345"));
  EXPECT_THAT(
      ReadFile(Path("f"), 4),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(Path("f"))));
  EXPECT_THAT(ReadFile("/dev/zero", 1 << 20),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(FileTest, FilesThatDoNotTellTheirSizeAreRead) {
  ASSERT_OK_AND_ASSIGN(const std::string status,
                       ReadFile("/proc/self/status", 1 << 20));
  EXPECT_THAT(status, HasSubstr("VmRSS"));
}

TEST_F(FileTest, ErrorsNameThePath) {
  EXPECT_THAT(ReadFile(Path("none"), 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("none"))));
  EXPECT_THAT(
      ReadFile(dir_->path(), 10),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(dir_->path())));
  EXPECT_THAT(WriteFileAtomic(Path("no/f"), ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/f")));
  EXPECT_THAT(RemoveFile(Path("none")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ListDir(Path("none")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, AFailedWriteLeavesNothingBehind) {
  ASSERT_OK(MakeDirs(Path("d")));
  EXPECT_FALSE(WriteFileAtomic(Path("d"), "x").ok());
  EXPECT_THAT(ListDir(dir_->path()), IsOkAndHolds(ElementsAre("d")));
}

TEST_F(FileTest, ReadersSeeOneOfTheFilesWhole) {
  const std::string a(100'000, 'a');
  const std::string b(50'000, 'b');
  ASSERT_OK(WriteFileAtomic(Path("f"), a));
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_OK(WriteFileAtomic(Path("f"), i % 2 == 0 ? b : a));
    }
  });
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK_AND_ASSIGN(const std::string seen,
                         ReadFile(Path("f"), 1'000'000));
    EXPECT_TRUE(seen == a || seen == b);
  }
  writer.join();
}

TEST_F(FileTest, DirectoriesAreMadeAndRemoved) {
  ASSERT_OK(MakeDirs(Path("a/b/c")));
  ASSERT_OK(MakeDirs(Path("a/b/c")));
  ASSERT_OK(MakeDirs(Path("a/b/c/")));
  ASSERT_OK(WriteFileAtomic(Path("a/b/f"), "x"));
  EXPECT_THAT(MakeDirs(Path("a/b/f")),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(ListDir(Path("a/b")), IsOkAndHolds(ElementsAre("c", "f")));
  ASSERT_OK(RemoveTree(Path("a")));
  ASSERT_OK(RemoveTree(Path("a")));
  EXPECT_FALSE(FileExists(Path("a")));
}

TEST_F(FileTest, PathsOfTheUserStartWhereTheUserIs) {
  ASSERT_EQ(setenv("BUILD_WORKING_DIRECTORY", "/home/user", 1), 0);
  EXPECT_EQ(ResolveUserPath("out"), "/home/user/out");
  EXPECT_EQ(ResolveUserPath("/out"), "/out");
  EXPECT_EQ(ResolveUserPath(""), "");
  ASSERT_EQ(unsetenv("BUILD_WORKING_DIRECTORY"), 0);
  EXPECT_EQ(ResolveUserPath("out"), "out");
}

TEST_F(FileTest, ATemporaryDirectoryGoesWithItsOwner) {
  std::string path;
  {
    ASSERT_OK_AND_ASSIGN(TempDir dir, TempDir::Create());
    const TempDir moved = std::move(dir);
    path = moved.path();
    ASSERT_OK(WriteFileAtomic(JoinPath(path, "f"), "x"));
  }
  EXPECT_FALSE(FileExists(path));
}

}  // namespace
}  // namespace frostnas

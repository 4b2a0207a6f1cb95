#include "nn/data/download/download.h"

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/download/tar.h"
#include "nn/data/readers/test_files.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One entry of a tar archive.
std::string TarEntry(const std::string& path, const std::string& contents,
                     char type = '0') {
  std::string header(512, '\0');
  header.replace(0, path.size(), path);
  char size[12];
  std::snprintf(size, sizeof(size), "%011zo", contents.size());
  header.replace(124, 11, size);
  header[156] = type;
  header.replace(257, 5, "ustar");
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char checksum[8];
  std::snprintf(checksum, sizeof(checksum), "%06o", sum);
  header.replace(148, 7, checksum, 7);
  const size_t padded = (contents.size() + 511) / 512 * 512;
  return header + contents + std::string(padded - contents.size(), '\0');
}

const std::string& TarEnd() {
  static const std::string end(1024, '\0');
  return end;
}

TEST(TarTest, GivesTheRegularFiles) {
  const std::string long_text(1000, 'x');
  const std::string tar = TarEntry("d/", "", '5') + TarEntry("d/a", "hello") +
                          TarEntry("d/b", long_text) + TarEntry("d/c", "") +
                          TarEnd();
  ASSERT_OK_AND_ASSIGN(const std::vector<TarFile> files, ReadTar(tar, "t"));
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].path, "d/a");
  EXPECT_EQ(files[0].contents, "hello");
  EXPECT_EQ(files[1].contents, long_text);
  EXPECT_EQ(files[2].contents, "");
}

TEST(TarTest, EveryCutIsDataLoss) {
  const std::string tar =
      TarEntry("a", "hello") + TarEntry("b", std::string(600, 'x'));
  for (size_t size = 0; size <= tar.size(); size += 19) {
    EXPECT_THAT(ReadTar(absl::string_view(tar).substr(0, size), "cut.tar"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut.tar")))
        << size;
  }
}

TEST(TarTest, DamagedHeadersAndLinksAreDataLoss) {
  std::string damaged = TarEntry("a", "hello") + TarEnd();
  damaged[0] = 'b';
  EXPECT_THAT(ReadTar(damaged, "t"), StatusIs(absl::StatusCode::kDataLoss));
  for (const char type : {'1', '2', '3', 'L', 'x'}) {
    EXPECT_THAT(ReadTar(TarEntry("link", "", type) + TarEnd(), "t"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("link")));
  }
}

class DownloadTest : public ::testing::Test {
 protected:
  // An archive of these entries, served from a file.
  Archive Serve(const std::string& entries) {
    const std::string packed = Gzip(entries + TarEnd());
    const std::string path =
        WriteTestFile(served_->path(), "archive.tar.gz", packed);
    return {.url = "file://" + path,
            .sha256 = Sha256Hex(packed),
            .folder = "set",
            .files = {"train.bin", "test.bin"}};
  }
  Archive ServeWhole() {
    return Serve(TarEntry("set/train.bin", "train") +
                 TarEntry("set/test.bin", "test") +
                 TarEntry("set/readme.html", "not wanted"));
  }

  const std::string& dir() const { return data_->path(); }
  std::vector<std::string> Names(const std::string& path) const {
    return ListDir(path).value_or(std::vector<std::string>());
  }

 private:
  absl::StatusOr<TempDir> served_ = TempDir::Create();
  absl::StatusOr<TempDir> data_ = TempDir::Create();
};

TEST_F(DownloadTest, UnpacksTheWantedFiles) {
  ASSERT_OK(DownloadArchive(ServeWhole(), dir(), {}));
  EXPECT_THAT(Names(dir()), ElementsAre("set"));
  EXPECT_THAT(Names(dir() + "/set"), ElementsAre("test.bin", "train.bin"));
  EXPECT_THAT(ReadFile(dir() + "/set/train.bin", 100), IsOkAndHolds("train"));
}

TEST_F(DownloadTest, DoesNothingWhenTheFilesAreThere) {
  Archive archive = ServeWhole();
  archive.url = "file:///nowhere";
  WriteTestFile(dir(), "in_folder/set/train.bin", "mine");
  WriteTestFile(dir(), "in_folder/set/test.bin", "mine");
  EXPECT_OK(DownloadArchive(archive, dir() + "/in_folder", {}));
  WriteTestFile(dir(), "flat/train.bin", "mine");
  WriteTestFile(dir(), "flat/test.bin", "mine");
  EXPECT_OK(DownloadArchive(archive, dir() + "/flat", {}));
  EXPECT_THAT(Names(dir() + "/flat"), ElementsAre("test.bin", "train.bin"));
}

TEST_F(DownloadTest, IncompleteFolderIsLeftAlone) {
  WriteTestFile(dir(), "set/train.bin", "mine");
  EXPECT_THAT(DownloadArchive(ServeWhole(), dir(), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr(dir() + "/set")));
  EXPECT_THAT(ReadFile(dir() + "/set/train.bin", 100), IsOkAndHolds("mine"));
}

TEST_F(DownloadTest, AnotherChecksumIsDataLossAndNothingIsUnpacked) {
  Archive archive = ServeWhole();
  archive.sha256 = Sha256Hex("another archive");
  EXPECT_THAT(
      DownloadArchive(archive, dir(), {}),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr(archive.url), HasSubstr(archive.sha256))));
  EXPECT_THAT(Names(dir()), IsEmpty());
}

TEST_F(DownloadTest, MissingMemberIsDataLossAndNothingIsLeft) {
  const Archive archive = Serve(TarEntry("set/train.bin", "train"));
  EXPECT_THAT(DownloadArchive(archive, dir(), {}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("set/test.bin")));
  EXPECT_THAT(Names(dir()), IsEmpty());
}

TEST_F(DownloadTest, PathsInTheArchiveLeadNowhereElse) {
  const Archive archive =
      Serve(TarEntry("../evil", "x") + TarEntry("/tmp/evil", "x") +
            TarEntry("set/../evil", "x") + TarEntry("set/train.bin", "train") +
            TarEntry("set/test.bin", "test"));
  ASSERT_OK(DownloadArchive(archive, dir() + "/inner", {}));
  EXPECT_THAT(Names(dir()), ElementsAre("inner"));
  EXPECT_THAT(Names(dir() + "/inner"), ElementsAre("set"));
  EXPECT_THAT(Names(dir() + "/inner/set"),
              ElementsAre("test.bin", "train.bin"));
}

TEST_F(DownloadTest, AddressThatGivesNothingIsUnavailable) {
  Archive archive = ServeWhole();
  archive.url += ".missing";
  EXPECT_THAT(DownloadArchive(archive, dir(), {}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(archive.url)));
  archive.url = "ftp://127.0.0.1/archive.tar.gz";
  EXPECT_THAT(DownloadArchive(archive, dir(), {}),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Names(dir()), IsEmpty());
}

TEST_F(DownloadTest, StopsWhenAsked) {
  StopSource stop;
  stop.RequestStop();
  EXPECT_THAT(DownloadArchive(ServeWhole(), dir(), {.stop = stop.token()}),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Names(dir()), IsEmpty());
}

TEST(OfficialArchiveTest, IsThatOfTheReadersFiles) {
  for (const auto kind :
       {v1::DATASET_KIND_CIFAR10, v1::DATASET_KIND_CIFAR100}) {
    ASSERT_OK_AND_ASSIGN(const Archive archive, OfficialArchive(kind));
    EXPECT_TRUE(IsSha256Hex(archive.sha256));
    EXPECT_THAT(archive.url, HasSubstr("https://"));
  }
  EXPECT_THAT(OfficialArchive(v1::DATASET_KIND_IDX),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::nn

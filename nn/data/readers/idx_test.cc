#include "nn/data/readers/idx.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/gzip.h"
#include "nn/data/readers/test_files.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kImages = 0x803;
constexpr uint32_t kLabels = 0x801;

class IdxTest : public ::testing::Test {
 protected:
  const std::string& dir() const { return temp_->path(); }
  void Write(const std::string& name, const std::string& contents) {
    WriteTestFile(dir(), name, contents);
  }

  // Three training and one test image of 2x2 pixels.
  void WriteAll() {
    Write("train-images-idx3-ubyte",
          IdxFile(kImages, {3, 2, 2}, "abcdefghijkl"));
    Write("train-labels-idx1-ubyte",
          IdxFile(kLabels, {3}, std::string("\x02\x00\x01", 3)));
    Write("t10k-images-idx3-ubyte.gz",
          Gzip(IdxFile(kImages, {1, 2, 2}, "wxyz")));
    Write("t10k-labels-idx1-ubyte.gz", Gzip(IdxFile(kLabels, {1}, "\x01")));
  }

 private:
  absl::StatusOr<TempDir> temp_ = TempDir::Create();
};

TEST_F(IdxTest, ReadsPlainAndGzippedFiles) {
  WriteAll();
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadIdx(dir()));
  EXPECT_EQ(raw.train.size, 2);
  EXPECT_EQ(raw.train.channels, 1);
  EXPECT_THAT(raw.train.labels, ElementsAre(2, 0, 1));
  EXPECT_THAT(raw.train.image(1), ElementsAre('e', 'f', 'g', 'h'));
  EXPECT_THAT(raw.test.image(0), ElementsAre('w', 'x', 'y', 'z'));
  EXPECT_THAT(raw.class_names, ElementsAre("0", "1", "2"));
  EXPECT_FALSE(raw.flip_allowed);
}

TEST_F(IdxTest, MissingFileIsNamed) {
  WriteAll();
  ASSERT_OK(RemoveFile(dir() + "/t10k-labels-idx1-ubyte.gz"));
  EXPECT_THAT(ReadIdx(dir()),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("t10k-labels-idx1-ubyte[.gz]")));
}

TEST_F(IdxTest, DamagedImageFilesAreDataLoss) {
  struct Case {
    std::string contents;
    std::string message;
  };
  for (const Case& bad : std::vector<Case>{
           {"", "0x00000803"},
           {"abc", "0x00000803"},
           {IdxFile(kLabels, {3, 2, 2}, "abcdefghijkl"), "0x00000803"},
           {IdxFile(kImages, {3, 2, 2}, "abcdefghijk"), "has 11 bytes"},
           {IdxFile(kImages, {3, 2, 2}, "abcdefghijklm"), "has 13 bytes"},
           {IdxFile(kImages, {0, 2, 2}, ""), "has 0 bytes"},
           {IdxFile(kImages, {3, 2, 4}, std::string(24, 'a')), "2 rows"},
           {IdxFile(kImages, {0xffffffff, 0xffffffff, 2}, ""), "4294967295"},
           {IdxFile(kImages, {2, 2, 2}, "abcdefgh"), "3 labels"}}) {
    WriteAll();
    Write("train-images-idx3-ubyte", bad.contents);
    EXPECT_THAT(ReadIdx(dir()),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr("train-"), HasSubstr(bad.message))));
  }
}

TEST_F(IdxTest, TestLabelWithoutTrainingImagesIsDataLoss) {
  WriteAll();
  Write("t10k-labels-idx1-ubyte.gz", IdxFile(kLabels, {1}, "\x03"));
  EXPECT_THAT(ReadIdx(dir()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("test label 3")));
}

TEST_F(IdxTest, DamagedGzipIsDataLoss) {
  WriteAll();
  const std::string good = Gzip(IdxFile(kImages, {1, 2, 2}, "wxyz"));
  Write("t10k-images-idx3-ubyte.gz", good.substr(0, good.size() - 5));
  EXPECT_THAT(ReadIdx(dir()), StatusIs(absl::StatusCode::kDataLoss,
                                       HasSubstr("t10k-images-idx3-ubyte.gz")));
}

TEST(GunzipTest, GivesWhatWasPacked) {
  const std::string text(300000, 'x');
  EXPECT_THAT(Gunzip(Gzip(text), 300000, "f"), IsOkAndHolds(text));
  EXPECT_THAT(Gunzip(Gzip(""), 10, "f"), IsOkAndHolds(""));
  EXPECT_THAT(Gunzip(Gzip("ab") + Gzip("cd"), 10, "f"), IsOkAndHolds("abcd"));
}

TEST(GunzipTest, StopsAtTheLimit) {
  const std::string bomb = Gzip(std::string(64 << 20, '\0'));
  EXPECT_LT(bomb.size(), 1u << 20);
  EXPECT_THAT(Gunzip(bomb, 1 << 20, "bomb.gz"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("bomb.gz holds more than 1048576")));
  EXPECT_OK(Gunzip(Gzip(std::string(100, 'a')), 100, "f"));
  EXPECT_THAT(Gunzip(Gzip(std::string(101, 'a')), 100, "f"),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(GunzipTest, EveryCutAndEveryFlippedByteIsNoticed) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  const std::string good = Gzip(text);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(Gunzip(good.substr(0, size), 1000, "f"),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
  // From the compressed data on; the header's time and system may differ.
  for (size_t i = 10; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const absl::StatusOr<std::string> got = Gunzip(bad, 1000, "f");
    // Only bits that pad the last block to a byte mean nothing.
    EXPECT_TRUE(!got.ok() || (i == good.size() - 9 && *got == text)) << i;
  }
  EXPECT_THAT(Gunzip(good + "tail", 1000, "f"),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace frostnas::nn

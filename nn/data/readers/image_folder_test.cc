#include "nn/data/readers/image_folder.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/test_files.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ImageFolderTest : public ::testing::Test {
 protected:
  const std::string& dir() const { return temp_->path(); }
  void Write(const std::string& name, const std::string& contents) {
    WriteTestFile(dir(), name, contents);
  }
  void WriteGrey(const std::string& name, int grey) {
    const auto value = static_cast<uint8_t>(grey);
    Write(name, EncodePng(FlatPicture(20, 12, value, value, value)));
  }

 private:
  absl::StatusOr<TempDir> temp_ = TempDir::Create();
};

TEST_F(ImageFolderTest, ClassesAndFilesAreSorted) {
  WriteGrey("dog/b.png", 3);
  WriteGrey("dog/a.PNG", 2);
  WriteGrey("cat/z.jpeg", 1);  // by content, whatever the name says
  Write("cat/notes.txt", "not a picture");
  Write("cat/.hidden.png", "not a picture");
  Write("LICENSE", "text");
  Write(".git/x.png", "not a picture");
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadImageFolder(dir(), 8));
  EXPECT_THAT(raw.class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(raw.train.labels, ElementsAre(0, 1, 1));
  EXPECT_EQ(raw.train.size, 8);
  EXPECT_EQ(raw.train.channels, 3);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(raw.train.image(i), Each(i + 1));
  EXPECT_EQ(raw.test.count(), 0);
  EXPECT_TRUE(raw.flip_allowed);
}

TEST_F(ImageFolderTest, ReadsJpeg) {
  Write("a/1.jpg", EncodeJpeg(FlatPicture(300, 200, 200, 100, 50)));
  WriteGrey("b/1.png", 0);
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadImageFolder(dir(), 16));
  EXPECT_NEAR(raw.train.image(0)[0], 200, 3);
  EXPECT_NEAR(raw.train.image(0)[1], 100, 3);
  EXPECT_NEAR(raw.train.image(0)[2], 50, 3);
}

TEST_F(ImageFolderTest, MissingFolderIsNotFound) {
  EXPECT_THAT(
      ReadImageFolder(dir() + "/none", 8),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir() + "/none")));
}

TEST_F(ImageFolderTest, FewerThanTwoClassesAreRefused) {
  WriteGrey("only/1.png", 0);
  EXPECT_THAT(ReadImageFolder(dir(), 8),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(dir()), HasSubstr("1 folders"))));
}

TEST_F(ImageFolderTest, ClassWithoutImagesIsDataLoss) {
  WriteGrey("a/1.png", 0);
  Write("b/readme.txt", "nothing here");
  EXPECT_THAT(
      ReadImageFolder(dir(), 8),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr(dir() + "/b has no")));
}

TEST_F(ImageFolderTest, FileThatDoesNotDecodeIsNamed) {
  WriteGrey("a/1.png", 0);
  Write("b/broken.jpg", "\xff\xd8\xff but no picture");
  EXPECT_THAT(ReadImageFolder(dir(), 8),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(dir() + "/b/broken.jpg does not decode")));
}

}  // namespace
}  // namespace frostnas::nn

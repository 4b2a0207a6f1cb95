#include "nn/data/readers/cifar.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/readers/test_files.h"

namespace frostnas::nn {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CifarTest : public ::testing::Test {
 protected:
  const std::string& dir() const { return temp_->path(); }
  void Write(const std::string& name, const std::string& contents) {
    WriteTestFile(dir(), name, contents);
  }

 private:
  absl::StatusOr<TempDir> temp_ = TempDir::Create();
};

TEST_F(CifarTest, ReadsTheBatchesThatExistInOrder) {
  Write("data_batch_2.bin", CifarRecord(3, 1, 10) + CifarRecord(9, 1, 20));
  Write("data_batch_4.bin", CifarRecord(0, 1, 30));
  Write("test_batch.bin", CifarRecord(7, 1, 40));
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadCifar10(dir()));
  EXPECT_THAT(raw.train.labels, ElementsAre(3, 9, 0));
  EXPECT_THAT(raw.test.labels, ElementsAre(7));
  EXPECT_EQ(raw.train.size, 32);
  EXPECT_EQ(raw.train.channels, 3);
  EXPECT_EQ(raw.class_names.size(), 10u);
  EXPECT_TRUE(raw.flip_allowed);
  // Planes have become interleaved channels.
  for (const auto& [y, x, c] :
       {std::tuple(0, 0, 0), std::tuple(5, 7, 2), std::tuple(31, 31, 1)}) {
    EXPECT_EQ(raw.train.image(1)[(y * 32 + x) * 3 + c],
              CifarValue(20, y, x, c));
  }
}

TEST_F(CifarTest, ReadsTheArchivesFolderAndClassNames) {
  const std::string folder = "cifar-10-batches-bin/";
  Write(folder + "data_batch_1.bin", CifarRecord(3, 1, 0));
  Write(folder + "test_batch.bin", CifarRecord(3, 1, 0));
  Write(folder + "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadCifar10(dir()));
  EXPECT_EQ(raw.class_names.front(), "a");
  EXPECT_EQ(raw.class_names.back(), "j");
}

TEST_F(CifarTest, ReadsFineLabelsOfCifar100) {
  std::string record = CifarRecord(5, 2, 0);
  record[1] = 99;
  Write("train.bin", record);
  Write("test.bin", CifarRecord(0, 2, 1));
  ASSERT_OK_AND_ASSIGN(const RawDataset raw, ReadCifar100(dir()));
  EXPECT_THAT(raw.train.labels, ElementsAre(99));
  EXPECT_EQ(raw.class_names.size(), 100u);
  EXPECT_EQ(raw.train.image(0)[1], CifarValue(0, 0, 0, 1));
}

TEST_F(CifarTest, MissingFilesAreNamedWithARemedy) {
  EXPECT_THAT(ReadCifar10(dir()),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(dir() + "/data_batch_1.bin"),
                             HasSubstr("--download"))));
  Write("data_batch_3.bin", CifarRecord(1, 1, 0));
  EXPECT_THAT(ReadCifar10(dir()),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr(dir() + "/test_batch.bin")));
  EXPECT_THAT(
      ReadCifar100(dir() + "/none"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/train.bin")));
}

TEST_F(CifarTest, TruncatedAndEmptyFilesAreDataLoss) {
  const std::string record = CifarRecord(1, 1, 0);
  Write("test_batch.bin", record);
  for (const std::string& bad :
       {std::string(), record.substr(1), record + record.substr(0, 100)}) {
    Write("data_batch_1.bin", bad);
    EXPECT_THAT(
        ReadCifar10(dir()),
        StatusIs(absl::StatusCode::kDataLoss,
                 AllOf(HasSubstr("data_batch_1.bin"), HasSubstr("3073"))));
  }
}

TEST_F(CifarTest, LabelOutOfRangeIsDataLossWithItsRecord) {
  Write("data_batch_1.bin", CifarRecord(1, 1, 0) + CifarRecord(10, 1, 0));
  Write("test_batch.bin", CifarRecord(1, 1, 0));
  EXPECT_THAT(ReadCifar10(dir()),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("record 1 of"), HasSubstr("label 10"))));
}

TEST_F(CifarTest, WrongNumberOfClassNamesIsDataLoss) {
  Write("data_batch_1.bin", CifarRecord(1, 1, 0));
  Write("test_batch.bin", CifarRecord(1, 1, 0));
  Write("batches.meta.txt", "cat\ndog\n");
  EXPECT_THAT(ReadCifar10(dir()),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("batches.meta.txt"), HasSubstr("2"))));
}

}  // namespace
}  // namespace frostnas::nn

// Both blob stores against one suite, and the folder's own promises.

#include "db/blob_store.h"

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "db/folder_blob_store.h"
#include "db/memory_blob_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kLimit = 100'000;

// SHA-256 of "abc" as FIPS 180-2 prints it.
constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::unique_ptr<BlobStore> OpenFolder(const std::string& folder,
                                      const Clock* clock) {
  auto store = OpenFolderBlobStore({folder, kLimit}, clock);
  CHECK_OK(store);
  return *std::move(store);
}

struct BlobStoreParam {
  std::string name;
  std::function<std::unique_ptr<BlobStore>(const std::string&, const Clock*)>
      make;
};

class BlobStoreTest : public ::testing::TestWithParam<BlobStoreParam> {
 protected:
  BlobStoreTest()
      : folder_(*TempDir::Create()),
        store_(GetParam().make(JoinPath(folder_.path(), "blobs"), &clock_)) {}

  TempDir folder_;
  FakeClock clock_;
  std::unique_ptr<BlobStore> store_;
};

TEST_P(BlobStoreTest, BytesComeBackByTheirDigest) {
  EXPECT_THAT(store_->Put("abc"), IsOkAndHolds(std::string(kAbc)));
  EXPECT_THAT(store_->Put("abc"), IsOkAndHolds(std::string(kAbc)));
  EXPECT_THAT(store_->Get(kAbc), IsOkAndHolds(std::string("abc")));
  EXPECT_THAT(store_->Contains(kAbc), IsOkAndHolds(true));
  ASSERT_OK_AND_ASSIGN(const std::string empty, store_->Put(""));
  EXPECT_THAT(store_->Get(empty), IsOkAndHolds(std::string()));
}

TEST_P(BlobStoreTest, UnknownAndMalformedNames) {
  EXPECT_THAT(store_->Get(kAbc), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Contains(kAbc), IsOkAndHolds(false));
  std::string upper = kAbc;
  upper[0] = 'B';
  for (const std::string& name :
       {std::string(), std::string("../../etc/passwd"), upper,
        std::string(kAbc) + "0", std::string(64, '/')}) {
    EXPECT_THAT(store_->Get(name),
                StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(store_->Contains(name),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_P(BlobStoreTest, PiecesAreWrittenAndReadInOrder) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * i);
  ASSERT_OK_AND_ASSIGN(const auto writer, store_->NewWriter());
  ASSERT_OK(writer->Append(bytes.substr(0, 1)));
  ASSERT_OK(writer->Append(""));
  ASSERT_OK(writer->Append(bytes.substr(1)));
  ASSERT_OK_AND_ASSIGN(const std::string digest,
                       writer->Commit(Sha256Hex(bytes)));
  ASSERT_OK_AND_ASSIGN(const auto reader, store_->NewReader(digest));
  EXPECT_EQ(reader->size_bytes(), 5000);
  std::string read;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const std::string piece, reader->Read(999));
    if (piece.empty()) break;
    EXPECT_LE(piece.size(), 999);
    read += piece;
  }
  EXPECT_EQ(read, bytes);
}

TEST_P(BlobStoreTest, AnAnnouncedDigestMustHold) {
  ASSERT_OK_AND_ASSIGN(const auto writer, store_->NewWriter());
  ASSERT_OK(writer->Append("abd"));
  EXPECT_THAT(writer->Commit(kAbc),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(kAbc)));
  EXPECT_THAT(store_->Contains(kAbc), IsOkAndHolds(false));
  EXPECT_THAT(store_->Contains(Sha256Hex("abd")), IsOkAndHolds(false));
}

TEST_P(BlobStoreTest, TooManyBytesAreRefused) {
  const std::string most(kLimit, 'x');
  EXPECT_OK(store_->Put(most));
  EXPECT_THAT(store_->Put(most + "x"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr(std::to_string(kLimit))));
}

TEST_P(BlobStoreTest, AnAbandonedWriterLeavesNothing) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, store_->NewWriter());
    ASSERT_OK(writer->Append("abc"));
  }
  EXPECT_THAT(store_->Contains(kAbc), IsOkAndHolds(false));
}

TEST_P(BlobStoreTest, OnlyOldUnreferencedBlobsAreCollected) {
  ASSERT_OK_AND_ASSIGN(const std::string kept, store_->Put("kept"));
  ASSERT_OK_AND_ASSIGN(const std::string old, store_->Put("old"));
  ASSERT_OK_AND_ASSIGN(const std::string again, store_->Put("again"));
  clock_.Advance(absl::Hours(2));
  ASSERT_OK_AND_ASSIGN(const std::string fresh, store_->Put("fresh"));
  ASSERT_OK(store_->Put("again"));
  EXPECT_THAT(store_->CollectUnreferenced({kept}, absl::Hours(1)),
              IsOkAndHolds(1));
  EXPECT_THAT(store_->Contains(old), IsOkAndHolds(false));
  for (const std::string& name : {kept, again, fresh}) {
    EXPECT_THAT(store_->Contains(name), IsOkAndHolds(true));
  }
}

TEST_P(BlobStoreTest, ManyThreadsMayWriteTheSameBytes) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        CHECK_OK(store_->Put(std::to_string(n)));
        CHECK_OK(store_->Get(Sha256Hex(std::to_string(n))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(store_->Get(Sha256Hex("7")), IsOkAndHolds(std::string("7")));
}

INSTANTIATE_TEST_SUITE_P(
    Stores, BlobStoreTest,
    ::testing::Values(BlobStoreParam{"Folder", OpenFolder},
                      BlobStoreParam{
                          "Memory",
                          [](const std::string&, const Clock* clock) {
                            return NewMemoryBlobStore(clock, kLimit);
                          }}),
    [](const auto& info) { return info.param.name; });

class FolderBlobStoreTest : public ::testing::Test {
 protected:
  FolderBlobStoreTest() : folder_(*TempDir::Create()) {}

  std::unique_ptr<BlobStore> OpenStore() {
    return OpenFolder(folder_.path(), &clock_);
  }
  std::string PathOfAbc() {
    return JoinPath(folder_.path(), std::string("ba/78/") + kAbc);
  }

  TempDir folder_;
  FakeClock clock_;
};

TEST_F(FolderBlobStoreTest, BlobsOutliveTheStoreAndTempFilesDoNot) {
  ASSERT_OK(OpenStore()->Put("abc"));
  ASSERT_OK(WriteFileAtomic(JoinPath(folder_.path(), "tmp/77"), "half"));
  const auto store = OpenStore();
  EXPECT_THAT(store->Get(kAbc), IsOkAndHolds(std::string("abc")));
  EXPECT_THAT(ListDir(JoinPath(folder_.path(), "tmp")),
              IsOkAndHolds(SizeIs(0)));
  EXPECT_THAT(ListDir(folder_.path()), IsOkAndHolds(ElementsAre("ba", "tmp")));
}

TEST_F(FolderBlobStoreTest, ChangedBytesAreFoundOut) {
  const auto store = OpenStore();
  ASSERT_OK(store->Put("abc"));
  for (const char* damaged : {"abd", "", "ab", "abcd"}) {
    ASSERT_OK(WriteFileAtomic(PathOfAbc(), damaged));
    EXPECT_THAT(store->Get(kAbc),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(kAbc)))
        << damaged;
  }
  // Written again, it is whole again.
  ASSERT_OK(store->Put("abc"));
  EXPECT_THAT(store->Get(kAbc), IsOkAndHolds(std::string("abc")));
}

TEST_F(FolderBlobStoreTest, BlobsAreReadOnlyFiles) {
  ASSERT_OK(OpenStore()->Put("abc"));
  struct stat info;
  ASSERT_EQ(stat(PathOfAbc().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0222, 0);
}

TEST_F(FolderBlobStoreTest, AFileInPlaceOfTheFolderIsNamed) {
  const std::string path = JoinPath(folder_.path(), "file");
  ASSERT_OK(WriteFileAtomic(path, "x"));
  const auto store = OpenFolderBlobStore({path, kLimit}, &clock_);
  EXPECT_FALSE(store.ok());
  EXPECT_THAT(std::string(store.status().message()), HasSubstr(path));
}

}  // namespace
}  // namespace frostnas::db

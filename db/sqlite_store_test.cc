// What the conformance suite does not ask: files, restarts, damage.

#include "db/sqlite_store.h"

#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/sqlite/database.h"
#include "db/testing/store_fixtures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::db {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreTest() : folder_(*TempDir::Create()), path_(InFolder("a.db")) {}

  std::string InFolder(const std::string& name) {
    return JoinPath(folder_.path(), name);
  }
  absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& path) {
    return OpenSqliteStore(path, &clock_);
  }
  // Runs SQL on the closed file.
  void Tamper(const char* sql) {
    ASSERT_OK_AND_ASSIGN(
        const auto database,
        sqlite::Database::Open(path_, sqlite::OpenMode::kReadWrite));
    ASSERT_OK(database->Execute(sql));
  }

  TempDir folder_;
  const std::string path_;
  FakeClock clock_;
};

TEST_F(SqliteStoreTest, EverythingIsThereAfterARestart) {
  LeaseRef lease;
  {
    ASSERT_OK_AND_ASSIGN(const auto store, OpenStore(path_));
    ASSERT_OK(store->CreateStudy("r", TestSpec()));
    StudyStep step;
    step.new_trials = {TestTrial(1)};
    step.new_tasks = {AccuracyTask(1)};
    step.checkpoint = Checkpoint{"state", {FakeDigest(1)}};
    ASSERT_OK(store->CommitStep("st-00000001", step));
    ASSERT_OK(store->RegisterWorker(TestWorker("w"), "s"));
    ASSERT_OK_AND_ASSIGN(const auto leased,
                         store->LeaseTask("s", absl::Seconds(9)));
    lease = RefOf("s", *leased);
  }
  ASSERT_OK_AND_ASSIGN(const auto store, OpenStore(path_));
  EXPECT_THAT(store->GetCheckpoint("st-00000001"),
              IsOkAndHolds(Checkpoint{"state", {FakeDigest(1)}}));
  ASSERT_OK(store->RenewLease(lease, absl::Seconds(9), 0));
  ASSERT_OK(store->CompleteTask(OkCompletion(lease, AccuracyOf(0.5))));
  ASSERT_OK_AND_ASSIGN(const auto trial, store->GetTrial("st-00000001", 1));
  EXPECT_EQ(trial.int8_top1(), 0.5);
  ASSERT_OK_AND_ASSIGN(const auto second, store->CreateStudy("r2", TestSpec()));
  EXPECT_EQ(second.id(), "st-00000002");
}

TEST_F(SqliteStoreTest, AFileHasOneControllerAtATime) {
  ASSERT_OK_AND_ASSIGN(auto store, OpenStore(path_));
  EXPECT_THAT(OpenStore(path_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path_), HasSubstr("in use"))));
  store.reset();
  EXPECT_OK(OpenStore(path_));
}

TEST_F(SqliteStoreTest, AMissingFolderIsNamed) {
  EXPECT_THAT(OpenStore(InFolder("none/a.db")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/a.db")));
}

TEST_F(SqliteStoreTest, OtherFilesAreRefusedAndLeftAlone) {
  const std::string text(4000, 'n');
  ASSERT_OK(WriteFileAtomic(InFolder("notes.txt"), text));
  ASSERT_OK(MakeDirs(InFolder("sub")));
  for (const char* name : {"notes.txt", "sub"}) {
    EXPECT_THAT(OpenStore(InFolder(name)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(name), HasSubstr("not a database"))));
  }
  EXPECT_THAT(ReadFile(InFolder("notes.txt"), 1 << 20), IsOkAndHolds(text));
  EXPECT_THAT(ListDir(folder_.path()),
              IsOkAndHolds(ElementsAre("notes.txt", "sub")));
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsRefused) {
  Tamper("CREATE TABLE notes (text TEXT)");
  EXPECT_THAT(OpenStore(path_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path_), HasSubstr("another program"))));
}

TEST_F(SqliteStoreTest, ANewerFileIsRefusedWithBothVersions) {
  ASSERT_OK(OpenStore(path_));
  Tamper("UPDATE schema_version SET version = 900");
  EXPECT_THAT(OpenStore(path_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path_), HasSubstr("version 900"),
                             HasSubstr("up to"), HasSubstr("newer build"))));
}

TEST_F(SqliteStoreTest, DamageIsDataLoss) {
  {
    ASSERT_OK_AND_ASSIGN(const auto store, OpenStore(path_));
    ASSERT_OK(store->CreateStudy("r", TestSpec()));
  }
  Tamper("UPDATE studies SET spec = x'ff'");
  {
    ASSERT_OK_AND_ASSIGN(const auto store, OpenStore(path_));
    EXPECT_THAT(store->GetStudy("st-00000001"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("StudySpec")));
  }
  ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(path_, 1 << 24));
  std::fill(bytes.begin() + 100, bytes.end(), '\xa5');
  ASSERT_OK(WriteFileAtomic(path_, bytes));
  EXPECT_THAT(OpenStore(path_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path_)));
}

}  // namespace
}  // namespace frostnas::db

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/check.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/sqlite/database.h"
#include "db/sqlite/group_writer.h"
#include "db/sqlite/reader_pool.h"
#include "db/sqlite/transaction.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::db::sqlite {
namespace {

using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() : folder_(*TempDir::Create()), path_(folder_.path() + "/a.db") {
    database_ = OpenFile();
    CHECK_OK(database_->Execute("CREATE TABLE t (n INTEGER, s TEXT, b BLOB)"));
  }

  std::unique_ptr<Database> OpenFile() {
    auto database = Database::Open(path_, OpenMode::kReadWrite);
    CHECK_OK(database);
    return *std::move(database);
  }

  int64_t Count(Database& database) {
    const auto count = database.QueryInt(-1, "SELECT count(*) FROM t");
    CHECK_OK(count);
    return *count;
  }

  TempDir folder_;
  const std::string path_;
  std::unique_ptr<Database> database_;
};

TEST_F(SqliteTest, ValuesComeBackAsTheyWereBound) {
  const std::string bytes("\0\xff'; DROP TABLE t; --", 22);
  ASSERT_OK(database_->Run("INSERT INTO t VALUES (?, ?, ?)", int64_t{-5},
                           absl::string_view(bytes), Blob(bytes)));
  ASSERT_OK(
      database_->Run("INSERT INTO t VALUES (?, ?, ?)", Null(), "", Blob("")));
  ASSERT_OK_AND_ASSIGN(Statement rows, database_->Query("SELECT * FROM t"));
  ASSERT_THAT(rows.Step(), IsOkAndHolds(true));
  EXPECT_EQ(rows.Int(0), -5);
  EXPECT_EQ(rows.Text(1), bytes);
  EXPECT_EQ(rows.Bytes(2), bytes);
  ASSERT_THAT(rows.Step(), IsOkAndHolds(true));
  EXPECT_TRUE(rows.IsNull(0));
  EXPECT_FALSE(rows.IsNull(1));
  EXPECT_FALSE(rows.IsNull(2));
  EXPECT_EQ(rows.Text(1), "");
  ASSERT_THAT(rows.Step(), IsOkAndHolds(false));
}

TEST_F(SqliteTest, TheSameStatementCanBeOpenTwice) {
  constexpr char kOne[] = "SELECT ?";
  ASSERT_OK_AND_ASSIGN(Statement a, database_->Query(kOne, 1));
  ASSERT_OK_AND_ASSIGN(Statement b, database_->Query(kOne, 2));
  ASSERT_OK(a.Step());
  ASSERT_OK(b.Step());
  EXPECT_EQ(a.Int(0), 1);
  EXPECT_EQ(b.Int(0), 2);
}

TEST_F(SqliteTest, DurabilityIsOn) {
  EXPECT_THAT(database_->QueryInt(0, "PRAGMA synchronous"), IsOkAndHolds(2));
  EXPECT_THAT(database_->QueryInt(0, "PRAGMA foreign_keys"), IsOkAndHolds(1));
  ASSERT_OK_AND_ASSIGN(Statement mode, database_->Query("PRAGMA journal_mode"));
  ASSERT_OK(mode.Step());
  EXPECT_EQ(mode.Text(0), "wal");
}

TEST_F(SqliteTest, ErrorsSayWhatAndWhere) {
  EXPECT_THAT(
      database_->Run("SELECT * FROM missing"),
      StatusIs(absl::StatusCode::kInternal,
               ::testing::AllOf(HasSubstr(path_), HasSubstr("missing"))));
  EXPECT_THAT(database_->Run("INSERT INTO t (n) VALUES (?1)", 1, 2),
              StatusIs(absl::StatusCode::kInternal));
  const auto reader = Database::Open(path_, OpenMode::kReadOnly);
  ASSERT_OK(reader);
  EXPECT_THAT((*reader)->Run("DELETE FROM t"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(
      Database::Open("/no/such/folder/a.db", OpenMode::kReadWrite),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/folder/a.db")));
}

TEST_F(SqliteTest, FilesThatAreNoDatabaseAreRefused) {
  const std::string text = folder_.path() + "/notes.txt";
  ASSERT_OK(WriteFileAtomic(text, std::string(5000, 'n')));
  EXPECT_THAT(
      Database::Open(text, OpenMode::kReadWrite),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("notes.txt")));
  EXPECT_THAT(Database::Open(folder_.path(), OpenMode::kReadWrite),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SqliteTest, AnUncommittedTransactionIsUndone) {
  {
    ASSERT_OK_AND_ASSIGN(
        Transaction transaction,
        Transaction::Begin(database_.get(), TransactionKind::kWrite));
    ASSERT_OK(database_->Run("INSERT INTO t (n) VALUES (1)"));
    EXPECT_TRUE(database_->in_transaction());
  }
  EXPECT_FALSE(database_->in_transaction());
  EXPECT_EQ(Count(*database_), 0);
}

TEST_F(SqliteTest, AFailedSavepointTakesOnlyItsOwnWrites) {
  ASSERT_OK_AND_ASSIGN(
      Transaction transaction,
      Transaction::Begin(database_.get(), TransactionKind::kWrite));
  const auto insert = [&](const absl::Status& then) {
    return WithSavepoint(database_.get(), [&] {
      CHECK_OK(database_->Run("INSERT INTO t (n) VALUES (1)"));
      return then;
    });
  };
  EXPECT_OK(insert(absl::OkStatus()));
  EXPECT_THAT(insert(absl::AbortedError("no")),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_OK(insert(absl::OkStatus()));
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(Count(*database_), 2);
}

TEST_F(SqliteTest, AReaderSeesOneSnapshot) {
  ReaderPool readers(path_, 1);
  EXPECT_OK(readers.Read([&](Database& reader) {
    EXPECT_EQ(Count(reader), 0);
    CHECK_OK(database_->Run("INSERT INTO t (n) VALUES (1)"));
    EXPECT_EQ(Count(reader), 0);
    return absl::OkStatus();
  }));
  EXPECT_THAT(readers.Read([&](Database& reader) {
    EXPECT_EQ(Count(reader), 1);
    return absl::AbortedError("body");
  }),
              StatusIs(absl::StatusCode::kAborted));
  // The connection came back although the body failed.
  EXPECT_OK(readers.Read([](Database&) { return absl::OkStatus(); }));
}

TEST_F(SqliteTest, ThoseWhoWaitShareACommit) {
  constexpr int kThreads = 8;
  GroupWriter writer(OpenFile());
  absl::Notification begun;
  absl::Notification queued;
  std::thread blocker([&] {
    CHECK_OK(writer.Write([&](Database& database) {
      begun.Notify();
      queued.WaitForNotification();
      return database.Run("INSERT INTO t (n) VALUES (100)");
    }));
  });
  begun.WaitForNotification();
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const absl::Status status = writer.Write([&](Database& database) {
        CHECK_OK(database.Run("INSERT INTO t (n) VALUES (?)", i));
        return i % 2 == 0 ? absl::OkStatus() : absl::AbortedError("odd");
      });
      failed += status.code() == absl::StatusCode::kAborted ? 1 : 0;
    });
  }
  while (writer.waiting() < kThreads) std::this_thread::yield();
  queued.Notify();
  blocker.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(writer.transactions(), 2);
  EXPECT_EQ(failed, kThreads / 2);
  EXPECT_EQ(Count(*database_), 1 + kThreads / 2);
  EXPECT_THAT(database_->QueryInt(0, "SELECT count(*) FROM t WHERE n % 2"),
              IsOkAndHolds(0));
}

TEST_F(SqliteTest, ALockHeldByAnotherIsUnavailableAndPasses) {
  ASSERT_OK_AND_ASSIGN(
      auto impatient,
      Database::Open(path_, OpenMode::kReadWrite, absl::ZeroDuration()));
  GroupWriter writer(std::move(impatient));
  const auto insert = [](Database& database) {
    return database.Run("INSERT INTO t (n) VALUES (1)");
  };
  ASSERT_OK(database_->Run("BEGIN IMMEDIATE"));
  EXPECT_THAT(writer.Write(insert),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("try again")));
  ASSERT_OK(database_->Run("ROLLBACK"));
  EXPECT_OK(writer.Write(insert));
  EXPECT_EQ(Count(*database_), 1);
}

TEST_F(SqliteTest, WhatARequestWroteIsCommittedWhenItIsAnswered) {
  GroupWriter writer(OpenFile());
  for (int i = 1; i <= 20; ++i) {
    ASSERT_OK(writer.Write([&](Database& database) {
      return database.Run("INSERT INTO t (n) VALUES (?)", i);
    }));
    EXPECT_EQ(Count(*database_), i);
  }
}

}  // namespace
}  // namespace frostnas::db::sqlite

#include "db/migrations/migrations.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/sqlite/database.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::db {
namespace {

using sqlite::Database;
using sqlite::OpenMode;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::unique_ptr<Database> InMemory() {
  auto database = Database::Open(":memory:", OpenMode::kReadWrite);
  CHECK_OK(database);
  return *std::move(database);
}

std::string SchemaOf(Database* database) {
  const auto schema = DumpSchema(database);
  CHECK_OK(schema);
  return *schema;
}

TEST(MigrationsTest, ScriptsAreNumberedFromOne) {
  ASSERT_GE(CurrentVersion(), 2);
  for (int i = 0; i < CurrentVersion(); ++i) {
    EXPECT_EQ(Migrations()[i].name.substr(0, 5),
              absl::StrFormat("%04d_", i + 1));
    EXPECT_THAT(Migrations()[i].check, HasSubstr("SELECT"));
  }
}

TEST(MigrationsTest, TheNewestSchemaIsTheGoldenOne) {
  const auto database = InMemory();
  ASSERT_OK(MigrateTo(database.get(), CurrentVersion()));
  ASSERT_OK_AND_ASSIGN(const std::string golden,
                       ReadFile("db/migrations/schema.sql", 1 << 20));
  EXPECT_EQ(SchemaOf(database.get()), golden)
      << "bazel run //db/migrations:dump_schema > db/migrations/schema.sql";
}

TEST(MigrationsTest, EveryVersionIsReachedAndLeftBothWays) {
  const auto database = InMemory();
  std::vector<std::string> schemas;
  for (int version = 0; version <= CurrentVersion(); ++version) {
    ASSERT_OK(MigrateTo(database.get(), version));
    EXPECT_THAT(ReadVersion(database.get()), IsOkAndHolds(version));
    schemas.push_back(SchemaOf(database.get()));
  }
  for (int version = CurrentVersion() - 1; version >= 0; --version) {
    ASSERT_OK(MigrateTo(database.get(), version));
    EXPECT_EQ(SchemaOf(database.get()), schemas[version]) << version;
  }
  ASSERT_OK(MigrateTo(database.get(), CurrentVersion()));
  EXPECT_EQ(SchemaOf(database.get()), schemas.back());
}

TEST(MigrationsTest, RowsOfAnOlderVersionSurviveTheWay) {
  const auto database = InMemory();
  ASSERT_OK(MigrateTo(database.get(), 1));
  ASSERT_OK(database->Execute(
      "INSERT INTO studies (request_id, spec_sha256, state, spec, record) "
      "VALUES ('r', 'd', 1, x'', x'');"));
  ASSERT_OK(MigrateTo(database.get(), CurrentVersion()));
  EXPECT_THAT(database->QueryInt(0, "SELECT seq FROM studies"),
              IsOkAndHolds(1));
  ASSERT_OK(MigrateTo(database.get(), 1));
  EXPECT_THAT(database->QueryInt(0, "SELECT seq FROM studies"),
              IsOkAndHolds(1));
}

TEST(MigrationsTest, AFailedCheckLeavesTheOldVersion) {
  const auto database = InMemory();
  ASSERT_OK(MigrateTo(database.get(), 1));
  // An event that its study does not count.
  ASSERT_OK(database->Execute(
      "INSERT INTO studies (request_id, spec_sha256, state, spec, record) "
      "VALUES ('r', 'd', 1, x'', x''); "
      "INSERT INTO events (study, sequence, record) VALUES (1, 1, x'');"));
  EXPECT_THAT(MigrateTo(database.get(), 2),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("0001_initial"), HasSubstr("events"))));
  EXPECT_THAT(ReadVersion(database.get()), IsOkAndHolds(1));
  EXPECT_THAT(database->QueryInt(0,
                                 "SELECT count(*) FROM sqlite_schema "
                                 "WHERE name = 'latency_tables'"),
              IsOkAndHolds(0));
}

TEST(MigrationsTest, ANewerFileIsRefused) {
  const auto database = InMemory();
  ASSERT_OK(MigrateTo(database.get(), CurrentVersion()));
  const int newer = CurrentVersion() + 1;
  ASSERT_OK(database->Run("UPDATE schema_version SET version = ?", newer));
  EXPECT_THAT(
      MigrateTo(database.get(), CurrentVersion()),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(absl::StrCat("schema version ", newer)),
                     HasSubstr(absl::StrCat("up to ", CurrentVersion())),
                     HasSubstr("use the newer build"))));
}

TEST(MigrationsTest, AnotherProgramsDatabaseIsRefused) {
  const auto database = InMemory();
  ASSERT_OK(database->Execute("CREATE TABLE notes (text TEXT)"));
  EXPECT_THAT(MigrateTo(database.get(), CurrentVersion()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("another program")));
}

}  // namespace
}  // namespace frostnas::db

#include "db/migrations/migrations.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "db/sqlite/transaction.h"

namespace frostnas::db {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;
using sqlite::TransactionKind;

// "FROS" as a big-endian number; `file` shows it.
constexpr int64_t kApplicationId = 0x46524f53;
constexpr char kSetApplicationId[] = "PRAGMA application_id = 1179799379";
static_assert(kApplicationId == 1179799379);

constexpr char kMakeVersionTable[] =
    "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT";
constexpr char kInsertVersion[] = "INSERT INTO schema_version VALUES (0)";
constexpr char kSetVersion[] = "UPDATE schema_version SET version = ?";

absl::Status SetUp(Database* database) {
  ASSIGN_OR_RETURN(Transaction transaction,
                   Transaction::Begin(database, TransactionKind::kWrite));
  RETURN_IF_ERROR(database->Run(kSetApplicationId));
  RETURN_IF_ERROR(database->Run(kMakeVersionTable));
  RETURN_IF_ERROR(database->Run(kInsertVersion));
  return transaction.Commit();
}

// Whether the file has nothing in it at all.
absl::StatusOr<bool> IsBlank(Database* database) {
  ASSIGN_OR_RETURN(const int64_t objects,
                   database->QueryInt(0, "SELECT count(*) FROM sqlite_schema"));
  return objects == 0;
}

// Scripts have no semicolon but at the ends of statements.
absl::Status RunChecks(Database* database, const Migration& migration) {
  for (absl::string_view query :
       absl::StrSplit(migration.check, ';', absl::SkipWhitespace())) {
    ASSIGN_OR_RETURN(Statement rows, database->PrepareOnce(query));
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (row && rows.Int(0) == 1) continue;
    return absl::DataLossError(absl::StrCat(
        "database ", database->path(), ": check of migration ", migration.name,
        " fails: ", absl::StripAsciiWhitespace(query)));
  }
  return absl::OkStatus();
}

absl::Status StepTo(Database* database, int version, const std::string& script,
                    int checked) {
  ASSIGN_OR_RETURN(Transaction transaction,
                   Transaction::Begin(database, TransactionKind::kWrite));
  RETURN_IF_ERROR(database->Execute(script));
  RETURN_IF_ERROR(database->Run(kSetVersion, version));
  RETURN_IF_ERROR(CheckVersion(database, checked));
  return transaction.Commit();
}

absl::Status TooNew(const Database& database, int version) {
  return absl::FailedPreconditionError(absl::StrCat(
      "database ", database.path(), " has schema version ", version,
      ", this build knows versions up to ", CurrentVersion(),
      "; use the newer build that wrote it, or another file"));
}

}  // namespace

int CurrentVersion() { return static_cast<int>(Migrations().size()); }

absl::StatusOr<int> ReadVersion(Database* database) {
  ASSIGN_OR_RETURN(const bool blank, IsBlank(database));
  if (blank) return 0;
  ASSIGN_OR_RETURN(const int64_t application,
                   database->QueryInt(0, "PRAGMA application_id"));
  if (application != kApplicationId) {
    return absl::InvalidArgumentError(absl::StrCat(
        "database ", database->path(), " belongs to another program (",
        "application id ", application,
        "); name a frostnas database or a file that does not exist yet"));
  }
  ASSIGN_OR_RETURN(
      const int64_t version,
      database->QueryInt(-1, "SELECT version FROM schema_version"));
  if (version < 0) {
    return absl::DataLossError(
        absl::StrCat("database ", database->path(),
                     " does not say its schema version; restore it from a "
                     "copy"));
  }
  return static_cast<int>(version);
}

absl::Status MigrateTo(Database* database, int version) {
  ASSIGN_OR_RETURN(int now, ReadVersion(database));
  if (now > CurrentVersion()) return TooNew(*database, now);
  ASSIGN_OR_RETURN(const bool blank, IsBlank(database));
  if (blank) RETURN_IF_ERROR(SetUp(database));
  for (; now < version; ++now) {
    const Migration& migration = Migrations()[now];
    RETURN_IF_ERROR(StepTo(database, now + 1, migration.up, now + 1));
  }
  for (; now > version; --now) {
    const Migration& migration = Migrations()[now - 1];
    RETURN_IF_ERROR(StepTo(database, now - 1, migration.down, now - 1));
  }
  return absl::OkStatus();
}

absl::Status CheckVersion(Database* database, int version) {
  for (int i = 0; i < version; ++i) {
    RETURN_IF_ERROR(RunChecks(database, Migrations()[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DumpSchema(Database* database) {
  ASSIGN_OR_RETURN(Statement rows,
                   database->Query("SELECT sql FROM sqlite_schema "
                                   "WHERE sql IS NOT NULL AND "
                                   "name NOT LIKE 'sqlite%' ORDER BY name"));
  std::string schema;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return schema;
    absl::StrAppend(&schema, rows.Text(0), ";\n\n");
  }
}

}  // namespace frostnas::db

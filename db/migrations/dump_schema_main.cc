// Prints the newest schema, for schema.sql.

#include <iostream>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "db/migrations/migrations.h"
#include "db/sqlite/database.h"

namespace frostnas::db {
namespace {

absl::Status Dump() {
  ASSIGN_OR_RETURN(
      const auto database,
      sqlite::Database::Open(":memory:", sqlite::OpenMode::kReadWrite));
  RETURN_IF_ERROR(MigrateTo(database.get(), CurrentVersion()));
  ASSIGN_OR_RETURN(const std::string schema, DumpSchema(database.get()));
  std::cout << schema;
  return absl::OkStatus();
}

}  // namespace
}  // namespace frostnas::db

int main() {
  const absl::Status status = frostnas::db::Dump();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

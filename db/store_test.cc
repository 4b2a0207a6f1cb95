// Both stores against the suite that defines them.

#include "base/check.h"
#include "base/file.h"
#include "db/memory_store.h"
#include "db/sqlite_store.h"
#include "db/testing/store_conformance.h"
#include "gtest/gtest.h"

namespace frostnas::db {
namespace {

StoreParam Memory() {
  return {"Memory", [](const std::string&, const Clock* clock) {
            return NewMemoryStore(clock);
          }};
}

StoreParam Sqlite() {
  return {"Sqlite", [](const std::string& folder, const Clock* clock) {
            auto store = OpenSqliteStore(JoinPath(folder, "s.db"), clock);
            CHECK_OK(store);
            return *std::move(store);
          }};
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreConformance,
                         ::testing::Values(Memory(), Sqlite()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace frostnas::db

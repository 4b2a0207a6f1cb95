// The Store in memory, for tests: the same promises but for durability.
//
// One mutex, whole-state copies for roll-back; meant for small studies.
#ifndef FROSTNAS_DB_MEMORY_STORE_H_
#define FROSTNAS_DB_MEMORY_STORE_H_

#include <memory>

#include "base/clock.h"
#include "db/store.h"

namespace frostnas::db {

// `clock` must outlive the store.
std::unique_ptr<Store> NewMemoryStore(const Clock* clock);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_MEMORY_STORE_H_

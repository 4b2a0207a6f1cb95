// The Store in one SQLite file (WAL, synchronous=FULL).
//
// Writes of all threads are queued to one writer thread, which puts those
// waiting into one transaction and answers each after the commit: durable
// writes share the cost of the disk. Reads use connections of their own and
// never wait for writes.
//
// Beside FILE lie FILE-wal and FILE-shm while it is open, and FILE-lock, whose
// lock keeps a second process out; it goes with the process, also by SIGKILL.
#ifndef FROSTNAS_DB_SQLITE_STORE_H_
#define FROSTNAS_DB_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "db/store.h"

namespace frostnas::db {

// Opens or creates the file and migrates it to this build's schema. `clock`
// must outlive the store. The store waits for its writer on destruction; no
// call may be under way then.
//
// NOT_FOUND: the folder does not exist. PERMISSION_DENIED: file or folder
// cannot be written. INVALID_ARGUMENT: the file is not a frostnas database.
// FAILED_PRECONDITION: written by a newer build (names both versions), or in
// use by another process. DATA_LOSS: damaged. All name the file.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       const Clock* clock);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_SQLITE_STORE_H_

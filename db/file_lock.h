// Keeps a second process from using a file.
//
// The lock is on FILE-lock, which stays behind empty. The system lets it go
// when the process ends, however that happens. Thread-compatible.
#ifndef FROSTNAS_DB_FILE_LOCK_H_
#define FROSTNAS_DB_FILE_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace frostnas::db {

class FileLock {
 public:
  // FAILED_PRECONDITION: another process, or this one, has it. NOT_FOUND: the
  // folder does not exist. PERMISSION_DENIED. All name the file.
  static absl::StatusOr<FileLock> Acquire(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_;  // -1: moved from
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_FILE_LOCK_H_

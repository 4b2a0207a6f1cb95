#include "db/database_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"

namespace frostnas::db {
namespace {

// With its terminating zero: the first 16 bytes of every SQLite file.
constexpr absl::string_view kMagic("SQLite format 3", 16);

absl::Status NotADatabase(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat("database ", path,
                   ": file is not a database; name a frostnas database or a "
                   "file that does not exist yet"));
}

}  // namespace

absl::Status CheckDatabaseFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? absl::OkStatus() : FileError(errno, "open", path);
  }
  char head[kMagic.size()];
  const ssize_t n = read(fd, head, sizeof head);
  const int error = errno;
  close(fd);
  if (n < 0 && error != EISDIR) return FileError(error, "read", path);
  if (n == 0 || (n > 0 && absl::string_view(head, n) == kMagic)) {
    return absl::OkStatus();
  }
  return NotADatabase(path);
}

}  // namespace frostnas::db

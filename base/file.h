// Files, whole and safe.
//
// Every error names the path. Codes: NOT_FOUND (no such file or directory),
// PERMISSION_DENIED, RESOURCE_EXHAUSTED (larger than the limit, no space),
// FAILED_PRECONDITION (a directory where a file is wanted, or the reverse),
// UNAVAILABLE for other failures of the system. Safe on any thread.

#ifndef FROSTNAS_BASE_FILE_H_
#define FROSTNAS_BASE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas {

// The whole file. RESOURCE_EXHAUSTED when it is larger than `max_bytes`; no
// more memory than that is used for it.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     int64_t max_bytes);

// Replaces or creates `path` so that a reader, or the next start after a power
// cut, sees the old file or the new one whole. Synced when it returns OK.
absl::Status WriteFileAtomic(const std::string& path,
                             absl::string_view contents);

// Creates `path` and what is missing above it. OK when it exists already.
absl::Status MakeDirs(const std::string& path);

bool FileExists(const std::string& path);

// Removes a file or an empty directory. NOT_FOUND when there is none.
absl::Status RemoveFile(const std::string& path);

// Removes a file or a directory with all it holds. OK when there is none.
absl::Status RemoveTree(const std::string& path);

// The names in a directory, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path);

// Joins with one slash; an absolute `name` stands for itself.
std::string JoinPath(absl::string_view dir, absl::string_view name);

// A path as the user typed it: relative to BUILD_WORKING_DIRECTORY when that
// is set (`bazel run` sets it to the user's directory), else unchanged.
std::string ResolveUserPath(absl::string_view path);

// A status for errno `error`, met while doing `what` ("open") with `path`.
absl::Status FileError(int error, absl::string_view what,
                       absl::string_view path);

// A new, empty directory, removed with its contents in the destructor.
class TempDir {
 public:
  // Under $TEST_TMPDIR, $TMPDIR or /tmp.
  static absl::StatusOr<TempDir> Create();
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;

  const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty after a move
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_FILE_H_

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace frostnas {
namespace {

namespace fs = std::filesystem;

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENAMETOOLONG:
      return absl::StatusCode::kResourceExhausted;
    case EISDIR:
    case ENOTDIR:
    case EEXIST:
    case ENOTEMPTY:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  static absl::StatusOr<Descriptor> Open(const std::string& path, int flags) {
    int fd;
    do {
      fd = open(path.c_str(), flags | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return FileError(errno, "open", path);
    return Descriptor(fd);
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int fd() const { return fd_; }

  // Closes now; 0, or the errno of close().
  int Close() { return close(std::exchange(fd_, -1)) == 0 ? 0 : errno; }

 private:
  explicit Descriptor(int fd) : fd_(fd) {}

  int fd_;
};

absl::Status WriteAll(int fd, absl::string_view bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "write", path);
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status WriteSynced(const std::string& path, absl::string_view contents) {
  ASSIGN_OR_RETURN(Descriptor file,
                   Descriptor::Open(path, O_WRONLY | O_CREAT | O_EXCL));
  RETURN_IF_ERROR(WriteAll(file.fd(), contents, path));
  if (fsync(file.fd()) != 0) return FileError(errno, "sync", path);
  if (const int error = file.Close(); error != 0) {
    return FileError(error, "close", path);
  }
  return absl::OkStatus();
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

absl::Status SyncDir(const std::string& path) {
  ASSIGN_OR_RETURN(const Descriptor dir,
                   Descriptor::Open(path, O_RDONLY | O_DIRECTORY));
  if (fsync(dir.fd()) != 0) return FileError(errno, "sync", path);
  return absl::OkStatus();
}

// Different for each call of each process.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(path, ".tmp.", getpid(), ".", counter++);
}

}  // namespace

absl::Status FileError(int error, absl::string_view what,
                       absl::string_view path) {
  return absl::Status(CodeOf(error),
                      absl::StrCat("cannot ", what, " ", path, ": ",
                                   std::generic_category().message(error)));
}

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     int64_t max_bytes) {
  ASSIGN_OR_RETURN(const Descriptor file, Descriptor::Open(path, O_RDONLY));
  struct stat info;
  if (fstat(file.fd(), &info) != 0) return FileError(errno, "stat", path);
  std::string contents;
  // Files of /proc and pipes say 0; the loop finds their end.
  int64_t room = std::min<int64_t>(info.st_size, max_bytes) + 1;
  int64_t size = 0;
  while (true) {
    contents.resize(size + room);
    const ssize_t got = read(file.fd(), contents.data() + size, room);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "read", path);
    if (got == 0) break;
    size += got;
    if (size > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, " is larger than ", max_bytes, " bytes"));
    }
    room =
        std::min<int64_t>(std::max<int64_t>(size, 4096), max_bytes - size + 1);
  }
  contents.resize(size);
  return contents;
}

absl::Status WriteFileAtomic(const std::string& path,
                             absl::string_view contents) {
  const std::string temporary = TemporaryName(path);
  absl::Cleanup remove = [&temporary] { unlink(temporary.c_str()); };
  RETURN_IF_ERROR(WriteSynced(temporary, contents));
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return FileError(errno, "replace", path);
  }
  std::move(remove).Cancel();
  return SyncDir(ParentOf(path));
}

absl::Status MakeDirs(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FileError(error.value(), "create", path);
  if (!fs::is_directory(path, error)) {
    return FileError(ENOTDIR, "create", path);
  }
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::Status RemoveFile(const std::string& path) {
  std::error_code error;
  const bool removed = fs::remove(path, error);
  if (error) return FileError(error.value(), "remove", path);
  if (!removed) return FileError(ENOENT, "remove", path);
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return FileError(error.value(), "remove", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  while (!error && entry != fs::directory_iterator()) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) return FileError(error.value(), "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

std::string JoinPath(absl::string_view dir, absl::string_view name) {
  return (fs::path(std::string(dir)) / fs::path(std::string(name))).string();
}

std::string ResolveUserPath(absl::string_view path) {
  const char* base = std::getenv("BUILD_WORKING_DIRECTORY");
  if (base == nullptr || path.empty()) return std::string(path);
  return JoinPath(base, path);
}

absl::StatusOr<TempDir> TempDir::Create() {
  const char* base = "/tmp";
  for (const char* name : {"TMPDIR", "TEST_TMPDIR"}) {
    if (const char* value = std::getenv(name); value != nullptr) base = value;
  }
  std::string path = JoinPath(base, "frostnas.XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return FileError(errno, "create", path);
  }
  return TempDir(std::move(path));
}

TempDir::~TempDir() {
  // Nobody can act on a failure here; the directory is a temporary one.
  if (!path_.empty()) RemoveTree(path_).IgnoreError();
}

TempDir::TempDir(TempDir&& other) noexcept
    : path_(std::exchange(other.path_, "")) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace frostnas

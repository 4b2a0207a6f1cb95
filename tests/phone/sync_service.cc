#include "tests/phone/sync_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/phone/adb_protocol.h"

namespace frostnas::phone {
namespace {

constexpr uint32_t Id(const char (&name)[5]) {
  return static_cast<uint32_t>(name[0]) | static_cast<uint32_t>(name[1]) << 8 |
         static_cast<uint32_t>(name[2]) << 16 |
         static_cast<uint32_t>(name[3]) << 24;
}

constexpr size_t kMaxPathBytes = 1024;
constexpr uint32_t kMaxDataBytes = 64 << 10;

// A pair of a name and a number, which every answer but STAT's begins with.
std::string Head(uint32_t id, uint32_t number) {
  std::string bytes;
  AppendLe32(id, &bytes);
  AppendLe32(number, &bytes);
  return bytes;
}

bool Fail(Stream& stream, absl::string_view reason) {
  stream.Write(absl::StrCat(
      Head(Id("FAIL"), static_cast<uint32_t>(reason.size())), reason));
  return false;
}

bool FailErrno(Stream& stream, absl::string_view what, int error) {
  return Fail(stream, absl::StrCat(what, ": ", strerror(error)));
}

// Mode, size and time as STAT and LIST give them; zeros: no such file.
std::string ShortStat(const std::string& host_path) {
  struct stat info = {};
  if (lstat(host_path.c_str(), &info) != 0) info = {};
  std::string bytes;
  AppendLe32(info.st_mode, &bytes);
  AppendLe32(static_cast<uint32_t>(info.st_size), &bytes);
  AppendLe32(static_cast<uint32_t>(info.st_mtime), &bytes);
  return bytes;
}

std::string LongStat(uint32_t id, const std::string& host_path) {
  struct stat info = {};
  const int result = id == Id("STA2") ? stat(host_path.c_str(), &info)
                                      : lstat(host_path.c_str(), &info);
  // Linux's numbers of errors are those of the wire.
  std::string bytes = Head(id, result == 0 ? 0 : static_cast<uint32_t>(errno));
  if (result != 0) info = {};
  AppendLe64(info.st_dev, &bytes);
  AppendLe64(info.st_ino, &bytes);
  AppendLe32(info.st_mode, &bytes);
  AppendLe32(static_cast<uint32_t>(info.st_nlink), &bytes);
  AppendLe32(info.st_uid, &bytes);
  AppendLe32(info.st_gid, &bytes);
  AppendLe64(static_cast<uint64_t>(info.st_size), &bytes);
  AppendLe64(static_cast<uint64_t>(info.st_atime), &bytes);
  AppendLe64(static_cast<uint64_t>(info.st_mtime), &bytes);
  AppendLe64(static_cast<uint64_t>(info.st_ctime), &bytes);
  return bytes;
}

bool List(Stream& stream, const std::string& host_path) {
  std::string bytes;
  const auto names = ListDir(host_path);
  if (names.ok()) {
    for (const std::string& name : *names) {
      AppendLe32(Id("DENT"), &bytes);
      bytes += ShortStat(JoinPath(host_path, name));
      AppendLe32(static_cast<uint32_t>(name.size()), &bytes);
      bytes += name;
    }
  }
  AppendLe32(Id("DONE"), &bytes);
  bytes.append(16, '\0');
  return stream.Write(bytes);
}

bool Receive(Stream& stream, const std::string& host_path) {
  const int file = open(host_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return FailErrno(stream, "open failed", errno);
  std::string buffer(kMaxDataBytes, '\0');
  bool sent = true;
  ssize_t count = 0;
  while (sent && (count = read(file, buffer.data(), buffer.size())) > 0) {
    const auto size = static_cast<uint32_t>(count);
    sent = stream.Write(absl::StrCat(
        Head(Id("DATA"), size), absl::string_view(buffer).substr(0, size)));
  }
  const int error = errno;
  close(file);
  if (count < 0) return FailErrno(stream, "read failed", error);
  return sent && stream.Write(Head(Id("DONE"), 0));
}

// One file that the client sends.
class Incoming {
 public:
  Incoming(Device& device, Stream& stream, std::string path, mode_t mode)
      : device_(device),
        stream_(stream),
        path_(std::move(path)),
        host_path_(device.HostPath(path_)),
        mode_(mode),
        free_bytes_(device.condition().free_bytes),
        disconnect_(device.faults().Take(FaultKind::kDisconnectPush)) {}
  ~Incoming() {
    if (file_ >= 0) close(file_);
  }

  bool Take() {
    Create();
    std::string head;
    while (stream_.Read(8, &head)) {
      const uint32_t id = ReadLe32(head);
      const uint32_t number = ReadLe32(absl::string_view(head).substr(4));
      if (id == Id("DONE")) return Finish(number);
      if (id != Id("DATA")) return Abort("invalid data message");
      if (number > kMaxDataBytes) return Abort("oversize data message");
      if (!TakeData(number)) break;
    }
    Remove();
    return false;
  }

 private:
  void Create() {
    unlink(host_path_.c_str());
    if (free_bytes_ <= 0) {
      error_ = "couldn't create file: No space left on device";
      return;
    }
    if (!MakeDirs(host_path_.substr(0, host_path_.rfind('/'))).ok()) {
      error_ = "secure_mkdirs failed: Not a directory";
      return;
    }
    // A phone copies the user's rights to group and others.
    const mode_t user = mode_ & 0700;
    mode_ = (mode_ & 0777) | user >> 3 | user >> 6;
    file_ = open(host_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                 mode_);
    if (file_ < 0) {
      error_ = absl::StrCat("couldn't create file: ", strerror(errno));
    } else {
      fchmod(file_, mode_);
    }
  }

  // False: the connection is gone.
  bool TakeData(uint32_t size) {
    std::string data;
    if (!stream_.Read(size, &data)) return false;
    if (disconnect_ && bytes_ + size > disconnect_->after_bytes) {
      Disconnect();
      return false;
    }
    bytes_ += size;
    // After an error what comes is thrown away: older clients read the answer
    // only when they have sent all.
    if (!error_.empty()) return true;
    if (bytes_ > free_bytes_) {
      error_ = "write failed: No space left on device";
    } else if (write(file_, data.data(), data.size()) !=
               static_cast<ssize_t>(data.size())) {
      error_ = absl::StrCat("write failed: ", strerror(errno));
    }
    return true;
  }

  bool Abort(absl::string_view reason) {
    Remove();
    return Fail(stream_, reason);
  }

  // The file is gone before the client knows that it failed.
  void Disconnect() {
    Remove();
    device_.DropConnections();
  }

  // Unless the path is another file's already: that of a client who came back
  // and sends it again.
  void Remove() {
    struct stat own, there;
    if (file_ < 0 || fstat(file_, &own) != 0) return;
    if (stat(host_path_.c_str(), &there) == 0 && own.st_ino == there.st_ino) {
      unlink(host_path_.c_str());
    }
    close(std::exchange(file_, -1));
  }

  bool Finish(uint32_t time) {
    if (disconnect_) {
      Disconnect();
      return false;
    }
    if (!error_.empty()) return Abort(error_);
    if (bytes_ > 0 && device_.faults().Take(FaultKind::kCorruptPush)) {
      FlipBit(bytes_ / 2);
    }
    const timespec when = {static_cast<time_t>(time), 0};
    const std::array<timespec, 2> times = {when, when};
    futimens(file_, times.data());
    // Before the client hears of it, so that it can be run at once.
    close(std::exchange(file_, -1));
    device_.LogPush(path_);
    return stream_.Write(Head(Id("OKAY"), 0));
  }

  void FlipBit(int64_t at) {
    const int file = open(host_path_.c_str(), O_RDWR | O_CLOEXEC);
    char byte = 0;
    if (pread(file, &byte, 1, at) == 1) {
      byte = static_cast<char>(byte ^ 1);
      if (pwrite(file, &byte, 1, at) != 1) error_ = "cannot corrupt";
    }
    close(file);
  }

  Device& device_;
  Stream& stream_;
  const std::string path_;
  const std::string host_path_;
  mode_t mode_;
  const int64_t free_bytes_;
  const std::optional<Fault> disconnect_;
  int file_ = -1;
  int64_t bytes_ = 0;
  std::string error_;
};

// "PATH,MODE", the mode in decimal or, with a 0 before, octal.
bool Send(Device& device, Stream& stream, const std::string& spec) {
  const size_t comma = spec.rfind(',');
  if (comma == std::string::npos) return Fail(stream, "missing , in ID_SEND");
  const mode_t mode =
      static_cast<mode_t>(strtoul(spec.c_str() + comma + 1, nullptr, 0));
  if (S_ISLNK(mode)) return Fail(stream, "symlink failed: not supported");
  return Incoming(device, stream, spec.substr(0, comma), mode).Take();
}

bool ServeRequest(Device& device, Stream& stream) {
  std::string head, path;
  if (!stream.Read(8, &head)) return false;
  const uint32_t id = ReadLe32(head);
  const uint32_t length = ReadLe32(absl::string_view(head).substr(4));
  if (length > kMaxPathBytes) return Fail(stream, "path too long");
  if (!stream.Read(length, &path)) return false;
  // As a string of C, which a phone makes of it.
  path.resize(std::min(path.size(), path.find('\0')));
  const std::string host_path = device.HostPath(path);
  switch (id) {
    case Id("STAT"): {
      std::string bytes;
      AppendLe32(id, &bytes);
      return stream.Write(bytes + ShortStat(host_path));
    }
    case Id("STA2"):
    case Id("LST2"):
      return stream.Write(LongStat(id, host_path));
    case Id("LIST"):
      return List(stream, host_path);
    case Id("SEND"):
      return Send(device, stream, path);
    case Id("RECV"):
      return Receive(stream, host_path);
    case Id("QUIT"):
      return false;
    default:
      return Fail(stream, "unknown command");
  }
}

}  // namespace

void ServeSync(Device& device, Stream& stream) {
  while (ServeRequest(device, stream)) {
  }
}

}  // namespace frostnas::phone

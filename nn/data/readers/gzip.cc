#include "nn/data/readers/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace frostnas::nn {
namespace {

constexpr size_t kFirstBytes = 1 << 20;

class Inflater {
 public:
  explicit Inflater(absl::string_view bytes) : left_(bytes) {
    // 16: gzip only, with its header and checksum.
    CHECK_EQ(inflateInit2(&stream_, MAX_WBITS + 16), Z_OK);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Writes to [at, at + room) and returns zlib's answer. Counts are this
  // library's 32 bits, so long input goes in pieces.
  int Inflate(char* at, size_t room, size_t& written) {
    const size_t fed = Clamp(left_.size());
    stream_.next_in =
        const_cast<Bytef*>(reinterpret_cast<const Bytef*>(left_.data()));
    stream_.avail_in = static_cast<uInt>(fed);
    stream_.next_out = reinterpret_cast<Bytef*>(at);
    stream_.avail_out = static_cast<uInt>(Clamp(room));
    const size_t offered = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    left_.remove_prefix(fed - stream_.avail_in);
    written = offered - stream_.avail_out;
    return result;
  }

  bool more_input() const { return !left_.empty(); }
  void NextMember() { CHECK_EQ(inflateReset(&stream_), Z_OK); }

 private:
  static size_t Clamp(size_t count) {
    return std::min<size_t>(count, std::numeric_limits<uInt>::max());
  }

  absl::string_view left_;
  z_stream stream_ = {};
};

}  // namespace

bool IsGzip(absl::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

absl::StatusOr<std::string> Gunzip(absl::string_view bytes, int64_t max_bytes,
                                   absl::string_view name) {
  const size_t limit = static_cast<size_t>(max_bytes);
  Inflater inflater(bytes);
  std::string out(std::min(limit, kFirstBytes), '\0');
  size_t size = 0;
  while (true) {
    size_t written = 0;
    const int result =
        inflater.Inflate(out.data() + size, out.size() - size, written);
    size += written;
    if (result == Z_STREAM_END) {
      if (!inflater.more_input()) break;
      inflater.NextMember();
      continue;
    }
    // Z_BUF_ERROR: neither input nor room; which of them is told below.
    if (result != Z_OK && result != Z_BUF_ERROR) {
      return absl::DataLossError(
          absl::StrCat(name, " is not undamaged gzip data"));
    }
    if (size < out.size() && written == 0 && !inflater.more_input()) {
      return absl::DataLossError(absl::StrCat(name, " is cut short"));
    }
    if (size == out.size()) {
      if (size == limit) {
        return absl::ResourceExhaustedError(absl::StrCat(
            name, " holds more than ", max_bytes, " bytes when unpacked"));
      }
      out.resize(std::min(limit, 2 * size));
    }
  }
  out.resize(size);
  return out;
}

}  // namespace frostnas::nn

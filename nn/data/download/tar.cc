#include "nn/data/download/tar.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {
namespace {

constexpr size_t kBlock = 512;

// A header's field: where it starts and how long it is.
struct Field {
  size_t offset;
  size_t size;
};
constexpr Field kName = {0, 100};
constexpr Field kSize = {124, 12};
constexpr Field kChecksum = {148, 8};
constexpr Field kType = {156, 1};
constexpr Field kMagic = {257, 5};
constexpr Field kPrefix = {345, 155};

absl::string_view Get(absl::string_view header, Field field) {
  return header.substr(field.offset, field.size);
}

// Up to the first zero byte.
std::string Text(absl::string_view header, Field field) {
  const absl::string_view raw = Get(header, field);
  return std::string(raw.substr(0, raw.find('\0')));
}

// Octal digits between spaces and zero bytes. None: not a number.
std::optional<uint64_t> Number(absl::string_view header, Field field) {
  uint64_t value = 0;
  bool digits = false;
  for (const char c : Get(header, field)) {
    if (c >= '0' && c <= '7') {
      value = value * 8 + static_cast<uint64_t>(c - '0');
      digits = true;
    } else if (c == ' ' || c == '\0') {
      if (digits) break;
    } else {
      return std::nullopt;
    }
  }
  return digits ? std::optional<uint64_t>(value) : std::nullopt;
}

// The sum of the header's bytes, its checksum counting as spaces.
uint64_t Sum(absl::string_view header) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool own =
        i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    sum += own ? ' ' : static_cast<uint8_t>(header[i]);
  }
  return sum;
}

bool AllZero(absl::string_view block) {
  return std::all_of(block.begin(), block.end(),
                     [](char c) { return c == '\0'; });
}

std::string Path(absl::string_view header) {
  const bool ustar = Get(header, kMagic) == "ustar";
  const std::string prefix = ustar ? Text(header, kPrefix) : "";
  const std::string name = Text(header, kName);
  return prefix.empty() ? name : absl::StrCat(prefix, "/", name);
}

}  // namespace

absl::StatusOr<std::vector<TarFile>> ReadTar(absl::string_view archive,
                                             absl::string_view name) {
  const auto damaged = [&](absl::string_view what) {
    return absl::DataLossError(absl::StrCat(name, " ", what));
  };
  std::vector<TarFile> files;
  while (archive.size() >= kBlock) {
    const absl::string_view header = archive.substr(0, kBlock);
    if (AllZero(header)) return files;
    archive.remove_prefix(kBlock);
    const std::optional<uint64_t> size = Number(header, kSize);
    if (!size || Number(header, kChecksum) != Sum(header)) {
      return damaged("is not an undamaged tar archive");
    }
    if (*size > archive.size()) return damaged("is cut short");
    const char type = Get(header, kType)[0];
    if (type == '0' || type == '\0') {
      files.push_back({Path(header), archive.substr(0, *size)});
    } else if (type != '5') {
      return damaged(absl::StrCat("holds ", Path(header),
                                  ", which is neither file nor directory"));
    }
    const size_t padded = (*size + kBlock - 1) / kBlock * kBlock;
    archive.remove_prefix(std::min(padded, archive.size()));
  }
  return damaged("is cut short");
}

}  // namespace frostnas::nn

#include "nn/optim/state_bytes.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"

namespace frostnas::nn {

// Numbers are stored as this memory holds them.
static_assert(std::endian::native == std::endian::little);

void StateWriter::PutInt(int64_t value) {
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void StateWriter::PutDouble(double value) {
  PutInt(std::bit_cast<int64_t>(value));
}

void StateWriter::PutText(absl::string_view text) {
  PutInt(static_cast<int64_t>(text.size()));
  bytes_.append(text.data(), text.size());
}

void StateWriter::PutFloats(absl::Span<const float> values) {
  PutInt(static_cast<int64_t>(values.size()));
  bytes_.append(reinterpret_cast<const char*>(values.data()),
                values.size() * sizeof(float));
}

absl::StatusOr<absl::string_view> StateReader::Raw(size_t count) {
  if (count > left_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("saved state is cut short: ", count,
                     " more bytes expected, ", left_.size(), " left"));
  }
  const absl::string_view raw = left_.substr(0, count);
  left_.remove_prefix(count);
  return raw;
}

absl::StatusOr<int64_t> StateReader::Int() {
  ASSIGN_OR_RETURN(const absl::string_view raw, Raw(sizeof(int64_t)));
  int64_t value;
  std::memcpy(&value, raw.data(), sizeof(value));
  return value;
}

absl::StatusOr<double> StateReader::Double() {
  ASSIGN_OR_RETURN(const int64_t bits, Int());
  return std::bit_cast<double>(bits);
}

absl::StatusOr<std::string> StateReader::Text() {
  ASSIGN_OR_RETURN(const int64_t size, Int());
  if (size < 0) {
    return absl::InvalidArgumentError("saved state has a negative length");
  }
  ASSIGN_OR_RETURN(const absl::string_view raw, Raw(static_cast<size_t>(size)));
  return std::string(raw);
}

absl::StatusOr<std::vector<float>> StateReader::Floats(size_t count) {
  ASSIGN_OR_RETURN(const int64_t stored, Int());
  if (stored < 0 || static_cast<uint64_t>(stored) != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "saved state has ", stored, " values where ", count, " belong"));
  }
  if (count > left_.size() / sizeof(float)) {
    return absl::InvalidArgumentError("saved state is cut short");
  }
  ASSIGN_OR_RETURN(const absl::string_view raw, Raw(count * sizeof(float)));
  std::vector<float> values(count);
  if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
  for (const float value : values) {
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(
          "saved state has a value that is not finite");
    }
  }
  return values;
}

absl::Status StateReader::Expect(absl::string_view text,
                                 absl::string_view what) {
  ASSIGN_OR_RETURN(const std::string stored, Text());
  if (stored == text) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("saved state is of another ", what, ": '",
                   stored.substr(0, 200), "', not '", text, "'"));
}

absl::Status StateReader::End() const {
  if (left_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("saved state has ", left_.size(), " bytes too many"));
}

}  // namespace frostnas::nn

#include "tests/phone/adb_protocol.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_format.h"
#include "base/check.h"

namespace frostnas::phone {
namespace {

uint32_t SumOfBytes(absl::string_view bytes) {
  uint32_t sum = 0;
  for (const char byte : bytes) sum += static_cast<uint8_t>(byte);
  return sum;
}

bool IsCommand(uint32_t command) {
  constexpr uint32_t kCommands[] = {kAdbConnect, kAdbAuth,  kAdbOpen,
                                    kAdbOkay,    kAdbWrite, kAdbClose};
  return std::find(std::begin(kCommands), std::end(kCommands), command) !=
         std::end(kCommands);
}

}  // namespace

void AppendLe32(uint32_t value, std::string* out) {
  for (int shift = 0; shift < 32; shift += 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

void AppendLe64(uint64_t value, std::string* out) {
  AppendLe32(static_cast<uint32_t>(value), out);
  AppendLe32(static_cast<uint32_t>(value >> 32), out);
}

uint32_t ReadLe32(absl::string_view bytes) {
  CHECK_GE(bytes.size(), 4u);
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

std::string EncodeAdbMessage(const AdbMessage& message) {
  std::string bytes;
  bytes.reserve(kAdbHeaderBytes + message.payload.size());
  AppendLe32(message.command, &bytes);
  AppendLe32(message.arg0, &bytes);
  AppendLe32(message.arg1, &bytes);
  AppendLe32(static_cast<uint32_t>(message.payload.size()), &bytes);
  AppendLe32(SumOfBytes(message.payload), &bytes);
  AppendLe32(~message.command, &bytes);
  return bytes + message.payload;
}

absl::StatusOr<std::optional<AdbMessage>> AdbMessageParser::Next() {
  const absl::string_view bytes = absl::string_view(bytes_).substr(at_);
  if (bytes.size() < kAdbHeaderBytes) return std::nullopt;
  AdbMessage message;
  message.command = ReadLe32(bytes);
  message.arg0 = ReadLe32(bytes.substr(4));
  message.arg1 = ReadLe32(bytes.substr(8));
  const uint32_t length = ReadLe32(bytes.substr(12));
  if (ReadLe32(bytes.substr(20)) != ~message.command ||
      !IsCommand(message.command)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("no adb message: command %08x", message.command));
  }
  if (length > kAdbMaxPayload) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "an adb message of %d bytes, at most %d", length, kAdbMaxPayload));
  }
  if (bytes.size() < kAdbHeaderBytes + length) return std::nullopt;
  message.payload = std::string(bytes.substr(kAdbHeaderBytes, length));
  const uint32_t sum = ReadLe32(bytes.substr(16));
  if (version_ < kAdbVersionWithoutSum && sum != 0 &&
      sum != SumOfBytes(message.payload)) {
    return absl::InvalidArgumentError("an adb message with a wrong sum");
  }
  at_ += kAdbHeaderBytes + length;
  // Moves the rest once it is the smaller part.
  if (at_ > bytes_.size() / 2) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  return message;
}

std::string ShellPacket(ShellPacketId id, absl::string_view data) {
  std::string packet(1, static_cast<char>(id));
  AppendLe32(static_cast<uint32_t>(data.size()), &packet);
  packet.append(data.data(), data.size());
  return packet;
}

}  // namespace frostnas::phone

// The messages between an adb server and a phone.
//
// A message is a header of six little-endian words (command, two arguments,
// payload length, sum of the payload's bytes, complement of the command) and
// its payload. From version 0x01000001 on the sum is not looked at, and before
// only where it is given: an adb server that reconnects leaves it out already.
//
// Thread-compatible.
#ifndef FROSTNAS_TESTS_PHONE_ADB_PROTOCOL_H_
#define FROSTNAS_TESTS_PHONE_ADB_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::phone {

enum AdbCommand : uint32_t {
  kAdbConnect = 0x4e584e43,  // CNXN(version, max payload, banner)
  kAdbAuth = 0x48545541,     // AUTH(type, 0, data)
  kAdbOpen = 0x4e45504f,     // OPEN(own id, 0, service)
  kAdbOkay = 0x59414b4f,     // OKAY(own id, other's id)
  kAdbWrite = 0x45545257,    // WRTE(own id, other's id, data)
  kAdbClose = 0x45534c43,    // CLSE(own id or 0, other's id)
};

constexpr uint32_t kAdbAuthToken = 1;
constexpr uint32_t kAdbAuthSignature = 2;
constexpr uint32_t kAdbAuthPublicKey = 3;

constexpr uint32_t kAdbOldestVersion = 0x01000000;
constexpr uint32_t kAdbVersionWithoutSum = 0x01000001;
// The longest payload that a phone takes here.
constexpr uint32_t kAdbMaxPayload = 256 << 10;
// What adb of any age takes.
constexpr uint32_t kAdbMinPayload = 4096;
constexpr size_t kAdbHeaderBytes = 24;

struct AdbMessage {
  uint32_t command = 0;
  uint32_t arg0 = 0;
  uint32_t arg1 = 0;
  std::string payload;
};

// With the sum, which every version accepts.
std::string EncodeAdbMessage(const AdbMessage& message);

// Cuts what arrives into messages.
class AdbMessageParser {
 public:
  // From now on messages are of this version; kAdbOldestVersion before.
  void set_version(uint32_t version) { version_ = version; }

  void Append(absl::string_view bytes) {
    bytes_.append(bytes.data(), bytes.size());
  }

  // The next whole message; none: more bytes are needed. INVALID_ARGUMENT: the
  // bytes are no messages, and never will be: close the connection. Holds no
  // more than one message beyond what was appended last.
  absl::StatusOr<std::optional<AdbMessage>> Next();

 private:
  uint32_t version_ = kAdbOldestVersion;
  std::string bytes_;
  size_t at_ = 0;
};

// Little-endian numbers, as in messages and in the sync service.
void AppendLe32(uint32_t value, std::string* out);
void AppendLe64(uint64_t value, std::string* out);
// Of the first four bytes; there must be as many.
uint32_t ReadLe32(absl::string_view bytes);

// One packet of `shell,v2`: a byte that says what it is, a length, the data.
enum class ShellPacketId : uint8_t {
  kStdin = 0,
  kStdout = 1,
  kStderr = 2,
  kExit = 3,
};
std::string ShellPacket(ShellPacketId id, absl::string_view data);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_ADB_PROTOCOL_H_

#include "tests/phone/shell_service.h"

#include <cstdint>
#include <optional>

#include "tests/phone/adb_protocol.h"
#include "tests/phone/shell.h"

namespace frostnas::phone {
namespace {

// What a command prints, on its way to the client, with what may befall it.
class Output {
 public:
  Output(Device& device, Stream& stream, ShellProtocol protocol,
         const std::string& command)
      : device_(device),
        stream_(stream),
        protocol_(protocol),
        disconnect_(device.faults().Take(FaultKind::kDisconnectShell, command)),
        truncate_(device.faults().Take(FaultKind::kTruncateOutput, command)) {}

  bool Write(ShellPacketId id, absl::string_view bytes) {
    if (disconnect_ && Reaches(*disconnect_, &bytes)) {
      Send(id, bytes);
      device_.DropConnections();
      return false;
    }
    if (truncate_ && Reaches(*truncate_, &bytes)) {
      Send(id, bytes);
      SendExit(0);
      return false;
    }
    sent_bytes_ += static_cast<int64_t>(bytes.size());
    return Send(id, bytes);
  }

  void Finish(int exit_code) {
    if (disconnect_) device_.DropConnections();
    SendExit(exit_code);
  }

 private:
  // Whether the fault falls into `bytes`, which then end there.
  bool Reaches(const Fault& fault, absl::string_view* bytes) const {
    const int64_t left = fault.after_bytes - sent_bytes_;
    if (static_cast<int64_t>(bytes->size()) <= left) return false;
    *bytes = bytes->substr(0, static_cast<size_t>(left));
    return true;
  }

  bool Send(ShellPacketId id, absl::string_view bytes) {
    if (bytes.empty()) return true;
    return stream_.Write(protocol_ == ShellProtocol::kRaw
                             ? std::string(bytes)
                             : ShellPacket(id, bytes));
  }

  void SendExit(int exit_code) {
    if (protocol_ == ShellProtocol::kPackets) {
      const char code = static_cast<char>(exit_code);
      stream_.Write(ShellPacket(ShellPacketId::kExit, {&code, 1}));
    }
    stream_.Close();
  }

  Device& device_;
  Stream& stream_;
  const ShellProtocol protocol_;
  const std::optional<Fault> disconnect_, truncate_;
  int64_t sent_bytes_ = 0;
};

}  // namespace

void ServeShell(Device& device, Stream& stream, ShellProtocol protocol,
                const std::string& command) {
  device.LogCommand(command);
  stream.IgnoreInput();
  const auto hang = device.faults().Take(FaultKind::kHangShell, command);
  if (hang && stream.closed().WaitFor(hang->duration)) return;
  Output output(device, stream, protocol, command);
  Shell shell(device, {.out =
                           [&](absl::string_view bytes) {
                             return output.Write(ShellPacketId::kStdout, bytes);
                           },
                       .err =
                           [&](absl::string_view bytes) {
                             return output.Write(ShellPacketId::kStderr, bytes);
                           },
                       .closed = stream.closed(),
                       .terminal = protocol == ShellProtocol::kRaw});
  output.Finish(shell.Run(command));
}

}  // namespace frostnas::phone

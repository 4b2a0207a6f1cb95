// What can go wrong with a phone, as data.
//
// A fault is either an operation's or a state. An operation's fault waits for
// the next `times` operations it fits and spoils them; a state begins, holds
// for `duration` and ends by itself. After that the phone behaves well again.
//
// Thread-compatible.
#ifndef FROSTNAS_TESTS_PHONE_FAULT_H_
#define FROSTNAS_TESTS_PHONE_FAULT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace frostnas::phone {

enum class FaultKind {
  // Of operations.
  kDisconnectPush,   // all connections drop after `after_bytes` of a file
  kCorruptPush,      // one bit of the written file is flipped; reported as good
  kDisconnectShell,  // all connections drop after `after_bytes` of output
  kTruncateOutput,   // output ends after `after_bytes`, exit code 0
  kHangShell,        // a command is accepted and gives nothing for `duration`
  kKillProgram,      // SIGKILL once a program has run for `delay`

  // States.
  kHang,          // connections stay and nothing is answered
  kOffline,       // connections drop; new ones are accepted, not answered
  kRefused,       // connections drop; new ones are refused
  kUnauthorized,  // connections drop; new ones wait for the user's consent
  kStorageFull,   // no byte is free: ENOSPC for pushes and redirections
  kHot,           // every thermal zone shows `milli_degrees`
  kGovernor,      // every core has `governor`
  kCores,         // only the first `cores` cores are online
  // Connections drop, programs are killed and connections refused for
  // `duration`; then, for the phone's boot time, sys.boot_completed is empty.
  kReboot,
};

struct Fault {
  FaultKind kind = FaultKind::kDisconnectShell;
  // Operations spoiled.
  int times = 1;
  // An operation's fault that found none is dropped after this.
  absl::Duration expires = absl::InfiniteDuration();
  // How long a state holds.
  absl::Duration duration = absl::Seconds(1);
  // Between injection and beginning.
  absl::Duration delay = absl::ZeroDuration();
  // States: the delay counts from the start of the next program.
  bool at_next_program = false;
  int64_t after_bytes = 0;
  // Shell and program faults: only commands that contain this.
  std::string command;
  int milli_degrees = 48000;
  std::string governor = "powersave";
  int cores = 4;
};

using FaultPlan = std::vector<Fault>;

// Whether it waits for operations; else it is a state.
bool IsOperationFault(FaultKind kind);

// "disconnect_push" and so on.
absl::string_view FaultName(FaultKind kind);

// Every kind, in order.
const std::vector<FaultKind>& AllFaultKinds();

// `count` faults that begin within `within`; each is over, or dropped, within
// `longest` of its beginning. The same for the same arguments.
struct RandomFaultOptions {
  int count = 3;
  absl::Duration within = absl::Seconds(2);
  absl::Duration longest = absl::Seconds(1);
  // Empty: every kind.
  std::vector<FaultKind> kinds;
};
FaultPlan RandomFaults(uint64_t seed, const RandomFaultOptions& options);

// From JSON: {"faults": [{"kind": "hot", "duration_ms": 500, ...}]} with the
// members of Fault by name, durations as NAME_ms. INVALID_ARGUMENT names the
// fault and the member that is wrong.
absl::StatusOr<FaultPlan> ParseFaultScript(absl::string_view json);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_FAULT_H_

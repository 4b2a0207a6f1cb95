// Which file this program is.
#ifndef FROSTNAS_LATENCY_RUNNER_OWN_FILE_H_
#define FROSTNAS_LATENCY_RUNNER_OWN_FILE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace frostnas::latency {

// The file whose code calls this. Not /proc/self/exe alone, which is the
// loader where a program is started through one.
std::string OwnFile();

// The file mapped at `address` by the text of /proc/PID/maps; empty where none
// is.
std::string FileMappedAt(absl::string_view maps, uintptr_t address);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_RUNNER_OWN_FILE_H_

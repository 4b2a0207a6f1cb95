// Which cores of a phone to measure on.
//
// Cores with one highest frequency are a cluster: "little" is the slowest,
// "big" the fastest (of a phone with a single prime core: that one), "middle"
// what lies between (the fastest of it; of two clusters: the fast one).
#ifndef FROSTNAS_LATENCY_PHONE_CORE_CHOICE_H_
#define FROSTNAS_LATENCY_PHONE_CORE_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace frostnas::latency {

// Indices of the cores that `wish` names, ascending: "big", "middle", "little",
// "all" or a list like "4,6-7". `core_max_khz` has an entry a core, 0 where its
// frequency is unknown. Empty: leave it to the system, which is what names of
// clusters come to where no frequency is known.
// INVALID_ARGUMENT naming --cores: not such a wish, or no such core.
absl::StatusOr<std::vector<int>> ChooseCores(
    absl::string_view wish, absl::Span<const int64_t> core_max_khz);

// "0-3,7" in the kernel's notation, as in /sys/devices/system/cpu/possible.
// INVALID_ARGUMENT: not a list of at most 256 cores under 1024.
absl::StatusOr<std::vector<int>> ParseCoreList(absl::string_view list);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_CORE_CHOICE_H_

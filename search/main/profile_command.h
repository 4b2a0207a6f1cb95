// `frostctl profile`: builds or completes a device's latency table for a space,
// without a controller.
#ifndef FROSTNAS_SEARCH_MAIN_PROFILE_COMMAND_H_
#define FROSTNAS_SEARCH_MAIN_PROFILE_COMMAND_H_

#include "absl/status/status.h"
#include "arch/space.h"

namespace frostnas::search {

// As the parsed flags say, for the space with `overrides`. What was measured is
// saved as it comes, so that the same command goes on where an earlier one was
// stopped. Errors name the flag, file or device.
absl::Status ProfileFromFlags(const arch::SpaceOverrides& overrides);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_PROFILE_COMMAND_H_

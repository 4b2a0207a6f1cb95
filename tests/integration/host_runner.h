// The phone runner as built for this machine.
#ifndef FROSTNAS_TESTS_INTEGRATION_HOST_RUNNER_H_
#define FROSTNAS_TESTS_INTEGRATION_HOST_RUNNER_H_

#include "latency/phone/runner_bundle.h"

namespace frostnas {

// A test phone runs it as it is, without emulation: for tests that need many
// runs. The bytes live as long as the program.
latency::RunnerBundle HostRunner();

// The same behind a program that spoils what it writes.
latency::RunnerBundle SpoilingRunner();

}  // namespace frostnas

#endif  // FROSTNAS_TESTS_INTEGRATION_HOST_RUNNER_H_

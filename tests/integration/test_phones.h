// Phones that this machine can be: for tests of what measures on phones.
#ifndef FROSTNAS_TESTS_INTEGRATION_TEST_PHONES_H_
#define FROSTNAS_TESTS_INTEGRATION_TEST_PHONES_H_

#include <string>

#include "latency/phone/runner_bundle.h"
#include "tests/phone/condition.h"

namespace frostnas {

// A phone with as many cores as this machine has: one big, the last that this
// process may use, and others little.
phone::Condition HostLikeCondition();

// The runner as built for this machine, which a test phone runs as it is; for
// tests that need many runs. The bytes live as long as the program.
latency::RunnerBundle HostRunner();

}  // namespace frostnas

#endif  // FROSTNAS_TESTS_INTEGRATION_TEST_PHONES_H_

// The runner that this program carries for arm64 phones.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_BUNDLE_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_BUNDLE_H_

#include "latency/phone/runner_bundle.h"

namespace frostnas::latency {

RunnerBundle PhoneBundle();

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_BUNDLE_H_

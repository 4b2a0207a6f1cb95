// The fixed network that everything measured is compared with.
#ifndef FROSTNAS_LATENCY_REFERENCE_NETWORK_H_
#define FROSTNAS_LATENCY_REFERENCE_NETWORK_H_

#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::latency {

// A small network with the kinds of layers that spaces have; about 5 million
// multiply-adds. Changing it changes what full speed means.
v1::Architecture ReferenceArchitecture();

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_REFERENCE_NETWORK_H_

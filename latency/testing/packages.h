// Small INT8 packages for tests.
#ifndef FROSTNAS_LATENCY_TESTING_PACKAGES_H_
#define FROSTNAS_LATENCY_TESTING_PACKAGES_H_

#include <cstdint>

#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::latency {

// An architecture with random weights, three channels in.
v1::Package RandomPackage(const v1::Architecture& architecture, uint64_t seed);

// A stem, two frost bottlenecks (one with squeeze, concatenation and residual
// add) and a classifier at 16 x 16 pixels, with random weights. `expansion` of
// the bottlenecks, 1..8.
v1::Package SmallPackage(int expansion);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_TESTING_PACKAGES_H_

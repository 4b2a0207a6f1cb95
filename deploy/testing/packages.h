// INT8 packages for tests.
#ifndef FROSTNAS_DEPLOY_TESTING_PACKAGES_H_
#define FROSTNAS_DEPLOY_TESTING_PACKAGES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

// Random weights, biases and grids; channels with normalisations of their own.
v1::Package RandomPackage(const v1::Architecture& architecture, uint64_t seed);

// The same with bounds on layers of every kind (quant/testing/agreement.h).
v1::Package RandomBoundedPackage(const v1::Architecture& architecture,
                                 uint64_t seed);

// Of 8 x 8 images: a 3 x 3 convolution "b1.conv" with ReLU from 3 to 2
// channels, an average over the map and a linear layer "b2.linear" to 2
// classes. Scales are powers of two.
v1::Package HandMadePackage();

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_TESTING_PACKAGES_H_

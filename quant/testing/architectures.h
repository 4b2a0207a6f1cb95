// Small networks for tests.
#ifndef FROSTNAS_QUANT_TESTING_ARCHITECTURES_H_
#define FROSTNAS_QUANT_TESTING_ARCHITECTURES_H_

#include <cstdint>

#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::quant {

// Every kind of layer once: stem, bottlenecks with squeeze, concat and
// residual add, an inverted residual with ReLU6, a separable block, pooling,
// classifier. 16 x 16 x 3 input, 10 classes.
v1::Architecture EveryLayerArchitecture();

// The same with convolutions that normalise after ReLU and ReLU6, as block 1
// and before the classifier, which takes maxima.
v1::Architecture NormAfterActivationArchitecture();

// 3 to 7 random blocks over all kinds, odd channel counts included, and a
// classifier; 8..24 pixels. The same for one seed.
v1::Architecture RandomArchitecture(uint64_t seed);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_TESTING_ARCHITECTURES_H_

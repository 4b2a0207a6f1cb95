// Float networks as a training leaves them, for tests.
#ifndef FROSTNAS_QUANT_TESTING_FLOAT_NETWORK_H_
#define FROSTNAS_QUANT_TESTING_FLOAT_NETWORK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "nn/data/image_set.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/dataset.pb.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::quant {

// A data set that fits, of mean 0.47 and deviation 0.25 in every channel. Not
// 0.5: every pixel would then lie between two points of the input's grid, where
// float rounding decides.
v1::DatasetInfo TestDataset(const v1::Architecture& architecture);

// Random weights; norms whose gammas have both signs and a zero, with means
// and variances of random images. The same for one seed.
v1::FloatNetwork RandomFloatNetwork(const v1::Architecture& architecture,
                                    uint64_t seed);

// Random pixels and labels of the architecture's input and classes.
nn::ImageSet RandomImages(const v1::Architecture& architecture, int count,
                          uint64_t seed);

// Values of tensor `name`, to read and to replace. Fails the program when there
// is none, or another number of values is set.
std::vector<float> GetTensor(const v1::FloatNetwork& network,
                             const std::string& name);
void SetTensor(const std::string& name, const std::vector<float>& values,
               v1::FloatNetwork& network);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_TESTING_FLOAT_NETWORK_H_

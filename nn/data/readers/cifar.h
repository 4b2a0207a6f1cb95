// CIFAR-10 and CIFAR-100, binary version (Krizhevsky, "Learning Multiple
// Layers of Features from Tiny Images", 2009).
//
// Records of one label byte (CIFAR-100: coarse, then fine label) and 32 x 32
// bytes of each of R, G and B. CIFAR-10: data_batch_1.bin to data_batch_5.bin,
// those that exist and at least one, and test_batch.bin. CIFAR-100: train.bin
// and test.bin. They are looked for in `dir` and in the folder that the
// official archive makes there.
//
// Errors: NOT_FOUND (a file, with what to do about it), DATA_LOSS (size or
// label, with file and record).
#ifndef FROSTNAS_NN_DATA_READERS_CIFAR_H_
#define FROSTNAS_NN_DATA_READERS_CIFAR_H_

#include <string>

#include "absl/status/statusor.h"
#include "nn/data/raw_dataset.h"

namespace frostnas::nn {

absl::StatusOr<RawDataset> ReadCifar10(const std::string& dir);
absl::StatusOr<RawDataset> ReadCifar100(const std::string& dir);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_CIFAR_H_

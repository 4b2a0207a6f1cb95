// The flags --dataset, --data_dir and --train_images, which programs of this
// folder share.
#ifndef FROSTNAS_QUANT_PROGRAMS_DATASET_FLAGS_H_
#define FROSTNAS_QUANT_PROGRAMS_DATASET_FLAGS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::quant {

// What the flags name, split by `seed`. Relative folders are the user's.
// INVALID_ARGUMENT: a flag's value, naming the flag.
absl::StatusOr<v1::DatasetSpec> DatasetFromFlags(uint64_t seed);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_PROGRAMS_DATASET_FLAGS_H_

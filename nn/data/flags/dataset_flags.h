// The flags that name a data set, --dataset, --data_dir, --download,
// --train_images and --input_size, for every program that reads one.
//
// For programs only: libraries take the DatasetSpec.
#ifndef FROSTNAS_NN_DATA_FLAGS_DATASET_FLAGS_H_
#define FROSTNAS_NN_DATA_FLAGS_DATASET_FLAGS_H_

#include "absl/flags/declare.h"
#include "absl/status/statusor.h"
#include "proto/frostnas/v1/dataset.pb.h"

ABSL_DECLARE_FLAG(int, input_size);

namespace frostnas::nn {

// What the flags name; what they leave open is as in `known`, if that is of the
// same kind of data set (which it is without --dataset), else the flags'
// default. The folder is absolute, since a worker may run elsewhere on this
// machine. Fetches the files first where --download asks for it, with progress.
// INVALID_ARGUMENT: a flag's value, naming the flag. UNAVAILABLE, DATA_LOSS: as
// DownloadDataset.
absl::StatusOr<v1::DatasetSpec> DatasetFromFlags(v1::DatasetSpec known = {});

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_FLAGS_DATASET_FLAGS_H_

// Names of data set kinds, as users write them.
#ifndef FROSTNAS_NN_DATA_NAMES_H_
#define FROSTNAS_NN_DATA_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

// All names, for help texts: "synthetic|cifar10|...".
std::string DatasetKindNames();

// "cifar10" for DATASET_KIND_CIFAR10; "" for a value without a name.
absl::string_view DatasetKindName(v1::DatasetKind kind);

// INVALID_ARGUMENT: not a name, with the names there are.
absl::StatusOr<v1::DatasetKind> ParseDatasetKind(absl::string_view name);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_NAMES_H_

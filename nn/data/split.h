// From a raw data set to the splits of a DatasetSpec.
#ifndef FROSTNAS_NN_DATA_SPLIT_H_
#define FROSTNAS_NN_DATA_SPLIT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nn/data/dataset.h"
#include "nn/data/raw_dataset.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

// Share of the images that become the test split where a set has none.
inline constexpr double kTestShare = 0.2;

// INVALID_ARGUMENT: a field of the spec out of range, naming it. Looks at no
// file.
absl::Status CheckSpec(const v1::DatasetSpec& spec);

// Shuffles, cuts and splits as nn/data/dataset.h says. INVALID_ARGUMENT: too
// few images for non-empty splits.
absl::StatusOr<std::unique_ptr<Dataset>> SplitDataset(
    RawDataset raw, const v1::DatasetSpec& spec);

// Fills info's counts, statistics and digest from the splits.
void DescribeSplits(Dataset& dataset);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_SPLIT_H_

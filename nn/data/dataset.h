// Start here for data: images, labels and their splits in memory.
//
// LoadDataset reads everything a DatasetSpec names, shuffles the training
// images by its seed, cuts them to train_images, and splits off the
// architecture and validation splits. The same spec gives the same splits on
// every machine. The test split is the data set's own test files; image folders
// and other sets without one get 20 % of the images by the same seed.
//
// Errors: NOT_FOUND (file or folder, with its path), INVALID_ARGUMENT (a spec's
// field), DATA_LOSS (truncated, mislabelled or undecodable file, with its path
// and what was expected). Immutable after loading, so safe to share.
#ifndef FROSTNAS_NN_DATA_DATASET_H_
#define FROSTNAS_NN_DATA_DATASET_H_

#include <memory>

#include "absl/status/statusor.h"
#include "nn/data/image_set.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

struct Dataset {
  v1::DatasetInfo info;
  ImageSet train;  // weights are trained on this
  ImageSet arch;   // architecture parameters are
  ImageSet val;    // choices are made on this
  ImageSet test;   // results are reported on this, and nothing else is
};

// The images of `a`, then those of `b`, of one size and number of channels.
ImageSet Join(const ImageSet& a, const ImageSet& b);

absl::StatusOr<std::unique_ptr<const Dataset>> LoadDataset(
    const v1::DatasetSpec& spec);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_DATASET_H_

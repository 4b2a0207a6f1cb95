// Photos in one folder a class: DIR/CLASS/*.jpg, *.jpeg, *.png.
//
// Classes are the folders in sorted order, images the files in sorted order;
// names that start with a dot, other files and deeper folders are left alone.
// A picture is cut to the square in its middle and resized. Flips are allowed.
// All images are the training set: there is no test split yet.
//
// Errors: NOT_FOUND (the folder), INVALID_ARGUMENT (fewer than two classes, or
// more images than fit in kMaxImageSetBytes), DATA_LOSS (a class without
// images, a file that does not decode, with its path).
#ifndef FROSTNAS_NN_DATA_READERS_IMAGE_FOLDER_H_
#define FROSTNAS_NN_DATA_READERS_IMAGE_FOLDER_H_

#include <string>

#include "absl/status/statusor.h"
#include "nn/data/raw_dataset.h"

namespace frostnas::nn {

// Images of `image_size` pixels square, RGB.
absl::StatusOr<RawDataset> ReadImageFolder(const std::string& dir,
                                           int image_size);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_IMAGE_FOLDER_H_

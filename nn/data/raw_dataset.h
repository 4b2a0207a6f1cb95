// A data set as its reader found it, before shuffling and splitting.
#ifndef FROSTNAS_NN_DATA_RAW_DATASET_H_
#define FROSTNAS_NN_DATA_RAW_DATASET_H_

#include <string>
#include <vector>

#include "nn/data/image_set.h"

namespace frostnas::nn {

struct RawDataset {
  std::vector<std::string> class_names;  // one a class
  bool flip_allowed = false;
  ImageSet train;
  ImageSet test;  // empty: none of its own, to be split off from train
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_RAW_DATASET_H_

// Batches for training and evaluation.
//
// A Loader walks an ImageSet epoch by epoch in an order drawn from its seed and
// the epoch number, augments, normalises with the data set's mean and standard
// deviation ((pixel / 255 - mean) / stddev), and prepares batches ahead on one
// background thread. What it yields depends on the seed and the epoch only,
// never on timing.
//
// Thread-compatible: one consumer.
#ifndef FROSTNAS_NN_DATA_LOADER_H_
#define FROSTNAS_NN_DATA_LOADER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/data/augment.h"
#include "nn/data/image_set.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

// The usual augmentation for a data set and a training of so many epochs: flip
// where labels allow it; crop size / 8 and cutout size / 4, or, for up to 30
// epochs, which do not get round to overfitting, crop size / 16 alone.
Augmentation StandardAugmentation(const v1::DatasetInfo& info, int epochs);

struct LoaderOptions {
  int batch = 64;
  bool shuffle = true;
  bool drop_last = true;  // leave out an incomplete last batch
  Augmentation augmentation;
  uint64_t seed = 0;
};

struct Batch {
  Tensor images;                // (n, size, size, channels), normalised
  std::vector<int32_t> labels;  // n
};

class Loader {
 public:
  // `images` and `info` must outlive the loader.
  Loader(const ImageSet& images, const v1::DatasetInfo& info,
         const LoaderOptions& options);
  ~Loader();

  // Batches in an epoch.
  int batches() const;
  // Starts `epoch` (>= 0); batches prepared for another one are dropped.
  void StartEpoch(int epoch);
  // Next batch of the epoch, or null at its end. Valid until the next call.
  const Batch* Next();
  // Share of the time since StartEpoch that Next() waited, 0..1.
  double wait_share() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_LOADER_H_

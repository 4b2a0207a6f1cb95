// Random changes of a training image, and normalisation.
#ifndef FROSTNAS_NN_DATA_AUGMENT_H_
#define FROSTNAS_NN_DATA_AUGMENT_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/random.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {

// What may happen to an image.
struct Augmentation {
  int crop_padding = 0;  // pixels of zero padding around a random crop
  bool flip = false;     // horizontal, with probability 1/2
  int cutout = 0;        // side of a square set to the mean; 0: none
};

// What happens to one image.
struct Change {
  // Where the crop starts in the image, pixels; negative in the padding.
  int top = 0;
  int left = 0;
  bool flip = false;
  // The square set to the mean, clipped to the image; empty when side is 0.
  int cut_top = 0;
  int cut_left = 0;
  int cut_side = 0;
};

// Draws what `augmentation` allows for images of `size` pixels.
Change DrawChange(const Augmentation& augmentation, int size, Random& random);

// Turns stored images into network input: (pixel / 255 - mean) / stddev, 0
// where the change shows padding or the cut-out square. Thread-safe.
class Normalizer {
 public:
  explicit Normalizer(const v1::DatasetInfo& info);

  // image and dst: (size, size, channels).
  void Write(absl::Span<const uint8_t> image, const Change& change,
             float* dst) const;

 private:
  void WriteRow(const uint8_t* row, const Change& change, float* dst) const;
  void CutOut(const Change& change, float* dst) const;

  int size_;
  int channels_;
  // Of every value of a row, so that whole rows are vectorised.
  std::vector<float> scale_;
  std::vector<float> offset_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_AUGMENT_H_

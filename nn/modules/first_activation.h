// The activation of a unit that norms after it: u = act(y + bias), on chunks
// (conv_unit.h).
//
//   Prepare(bias);   ... Forward(rows, y) ...             // one a chunk
//   StartBackward(parts);  ... Backward(part, rows, u, diff) ...
//   sums = EndBackward();                                 // the bias's
//   gradient
//
// Memory is kept from pass to pass. Chunks of one pass may be of several
// threads, each with a part of its own; else thread-compatible.
#ifndef FROSTNAS_NN_MODULES_FIRST_ACTIVATION_H_
#define FROSTNAS_NN_MODULES_FIRST_ACTIVATION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "nn/elements.h"
#include "nn/fused/channel_chunks.h"
#include "nn/fused/epilogue.h"

namespace frostnas::nn {

class FirstActivation {
 public:
  // act clamps to [low, high].
  FirstActivation(int channels, float low, float high);

  // One bias a channel, for the passes that follow.
  void Prepare(const std::vector<float>& bias);
  // y becomes u.
  void Forward(int64_t rows, float* y) const { forward_.Apply(rows, y, y); }

  void StartBackward(int parts);
  // diff by u becomes diff by y. Both are of single precision.
  void Backward(int part, int64_t rows, ConstElements u, Elements diff);
  // Sums of diff by y over all rows, a channel each; valid until the next call.
  const std::vector<double>& EndBackward();

 private:
  const Epilogue clamp_;
  const std::vector<float> zeros_;
  ChannelAffine add_bias_;
  AffineChunks forward_;
  // u is inside the clamp where its argument was.
  const ChannelAffine identity_;
  const GradientChunks gate_;
  std::vector<GradientPart> kept_parts_;
  absl::Span<GradientPart> parts_;  // of this pass
  GradientSums sums_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_FIRST_ACTIVATION_H_

#include "nn/depthwise/depthwise.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "nn/depthwise/kernels.h"
#include "nn/kernels/reference_conv.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Rows a thread must get for starting it to be worth while.
int64_t RowGrain(const ConvShape& shape) {
  constexpr int64_t kProducts = 1 << 16;
  const int64_t row = int64_t{shape.w} * shape.depthwise_weights();
  return std::max<int64_t>(1, kProducts / row);
}

}  // namespace

void DepthwiseForward(const ConvShape& shape, const float* src,
                      const float* weights, float* dst) {
  if (!depthwise::Supported(shape)) {
    reference::DepthwiseForward(shape, src, weights, dst);
    return;
  }
  ParallelFor(int64_t{shape.n} * shape.out_h(), RowGrain(shape),
              [&](const Part& part) {
                depthwise::ForwardRows(shape, {src, weights, dst},
                                       {part.begin, part.end});
              });
}

void DepthwiseBackwardData(const ConvShape& shape, const float* diff_dst,
                           const float* weights, float* diff_src) {
  if (!depthwise::Supported(shape)) {
    reference::DepthwiseBackwardData(shape, diff_dst, weights, diff_src);
    return;
  }
  ParallelFor(
      int64_t{shape.n} * shape.h, RowGrain(shape), [&](const Part& part) {
        depthwise::BackwardDataRows(shape, {diff_dst, weights, diff_src},
                                    {part.begin, part.end});
      });
}

void DepthwiseBackwardWeights(const ConvShape& shape, const float* src,
                              const float* diff_dst, float* diff_weights) {
  if (!depthwise::Supported(shape)) {
    reference::DepthwiseBackwardWeights(shape, src, diff_dst, diff_weights);
    return;
  }
  const int64_t size = shape.depthwise_weights();
  const int64_t grain = std::max<int64_t>(1, RowGrain(shape) / shape.out_h());
  const int parts = PartCount(shape.n, grain);
  // The calling thread's; its helpers have others of that name.
  thread_local std::vector<float> kept;
  kept.resize(static_cast<size_t>(parts * size));
  float* const partials = kept.data();
  ParallelFor(shape.n, grain, [&](const Part& part) {
    depthwise::BackwardWeightsImages(
        shape, {src, diff_dst, partials + part.index * size},
        {part.begin, part.end});
  });
  for (int part = 0; part < parts; ++part) {
    const float* partial = partials + part * size;
    for (int64_t i = 0; i < size; ++i) diff_weights[i] += partial[i];
  }
}

}  // namespace frostnas::nn

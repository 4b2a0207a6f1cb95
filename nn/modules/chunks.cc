#include "nn/modules/chunks.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "nn/tensor.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// A backward pass keeps about three tensors of an item's size in flight. Of
// 2^15 to 2^19 floats this was the fastest for FrostNet-Small at 32 px
// (tests/bench), by 5 % over the largest.
constexpr int64_t kChunkFloats = 1 << 16;
constexpr int64_t kGrainFloats = 1 << 15;
// Rows come in whole vector groups (fused/channel_chunks.h).
constexpr int64_t kAligned = 64;

}  // namespace

ChunkLoop::ChunkLoop(int64_t items, int64_t floats)
    : items_(items),
      grain_(std::max<int64_t>(1, kGrainFloats / floats)),
      chunk_(std::max<int64_t>(1, kChunkFloats / floats)) {
  if (chunk_ > kAligned) chunk_ -= chunk_ % kAligned;
}

int ChunkLoop::parts() const { return PartCount(items_, grain_); }

void ChunkLoop::Run(absl::FunctionRef<void(const Chunk&)> body) const {
  ParallelFor(items_, grain_, [&](const Part& part) {
    for (int64_t at = part.begin; at < part.end; at += chunk_) {
      body({at, std::min(chunk_, part.end - at), part.index});
    }
  });
}

Elements ThreadScratch(ScratchUse use, DataType type, int64_t count) {
  thread_local Tensor scratch[3];
  CHECK(count <= std::numeric_limits<int>::max());
  Tensor& tensor = scratch[static_cast<int>(use)];
  tensor.Resize({1, 1, 1, static_cast<int>(count)}, type);
  return tensor.typed_data();
}

}  // namespace frostnas::nn

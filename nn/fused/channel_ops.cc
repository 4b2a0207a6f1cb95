#include "nn/fused/channel_ops.h"

#include <algorithm>
#include <vector>

#include "absl/types/span.h"
#include "nn/fused/kernels.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Rows are handed to threads in blocks of whole vector groups.
constexpr int64_t kBlockRows = 64;
// Floats a thread must get for starting it to be worth while.
constexpr int64_t kGrain = 1 << 15;

int64_t Blocks(const Rows& size) {
  return (size.rows + kBlockRows - 1) / kBlockRows;
}

// The same in blocks.
int64_t Grain(const Rows& size) {
  return std::max<int64_t>(1, kGrain / (kBlockRows * size.channels));
}

int Parts(const Rows& size) { return PartCount(Blocks(size), Grain(size)); }

// What the passes below keep belongs to the thread that calls them. Its helpers
// get it by reference: their own thread_local variables are others.

// Calls body(part, its rows, the index of its first float) on every thread.
template <typename Body>
void ForEachPart(const Rows& size, const Body& body) {
  ParallelFor(Blocks(size), Grain(size), [&](const Part& part) {
    const int64_t begin = part.begin * kBlockRows;
    const int64_t end = std::min(part.end * kBlockRows, size.rows);
    body(part.index, end - begin, begin * size.channels);
  });
}

}  // namespace

void ComputeChannelStats(const Rows& size, const float* src,
                         ChannelStats& stats) {
  thread_local std::vector<StatsPart> kept;
  const absl::Span<StatsPart> parts =
      StartParts(kept, Parts(size), size.channels);
  ForEachPart(size, [&](int part, int64_t rows, int64_t at) {
    parts[part].Add(rows, src + at);
  });
  CombineStats(parts, stats);
}

ValueRange RangeOf(int64_t count, const float* src) {
  thread_local std::vector<ValueRange> ranges;  // the caller's
  ranges.resize(PartCount(count, kGrain));
  const absl::Span<ValueRange> parts = absl::MakeSpan(ranges);
  ParallelFor(count, kGrain, [&](const Part& part) {
    const fused::MinMax found =
        fused::FindMinMax(part.end - part.begin, src + part.begin);
    parts[part.index] = {found.min, found.max};
  });
  ValueRange all = parts[0];
  for (const ValueRange& part : parts) {
    all = {std::min(all.min, part.min), std::max(all.max, part.max)};
  }
  return all;
}

void ApplyAffine(const Rows& size, const ChannelAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst) {
  thread_local AffineChunks kept;
  kept.Set(affine, epilogue);
  const AffineChunks& chunks = kept;
  ForEachPart(size, [&](int /*part*/, int64_t rows, int64_t at) {
    chunks.Apply(rows, src + at, dst + at);
  });
}

void ReduceGradient(const GradientPass& pass, const std::vector<float>& center,
                    GradientSums& sums) {
  thread_local std::vector<GradientPart> kept;
  const absl::Span<GradientPart> parts =
      StartParts(kept, Parts(pass.size), pass.affine, pass.epilogue, center);
  ForEachPart(pass.size, [&](int part, int64_t rows, int64_t at) {
    parts[part].Add(rows, pass.src + at, pass.diff_dst + at);
  });
  CombineGradients(parts, sums);
}

void ApplyGradient(const GradientPass& pass,
                   const GradientCorrection& correction, float* diff_src) {
  thread_local GradientChunks kept;
  kept.Set(pass.affine, pass.epilogue, correction);
  const GradientChunks& chunks = kept;
  ForEachPart(pass.size, [&](int /*part*/, int64_t rows, int64_t at) {
    chunks.Apply(rows, pass.src + at, pass.diff_dst + at, diff_src + at);
  });
}

}  // namespace frostnas::nn

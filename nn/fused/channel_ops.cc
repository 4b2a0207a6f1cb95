#include "nn/fused/channel_ops.h"

#include <algorithm>
#include <vector>

#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Rows are handed to threads in blocks of whole vector groups.
constexpr int64_t kBlockRows = 64;

int64_t Blocks(const Rows& size) {
  return (size.rows + kBlockRows - 1) / kBlockRows;
}

// Blocks a thread must get for starting it to be worth while.
int64_t Grain(const Rows& size) {
  constexpr int64_t kFloats = 1 << 15;
  return std::max<int64_t>(1, kFloats / (kBlockRows * size.channels));
}

int Parts(const Rows& size) { return PartCount(Blocks(size), Grain(size)); }

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
  std::vector<StatsPart> parts(Parts(size), StatsPart(size.channels));
  ForEachPart(size, [&](int part, int64_t rows, int64_t at) {
    parts[part].Add(rows, src + at);
  });
  CombineStats(parts, stats);
}

void ApplyAffine(const Rows& size, const ChannelAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst) {
  const AffineChunks chunks(affine, epilogue);
  ForEachPart(size, [&](int /*part*/, int64_t rows, int64_t at) {
    chunks.Apply(rows, src + at, dst + at);
  });
}

void ReduceGradient(const GradientPass& pass, const std::vector<float>& center,
                    GradientSums& sums) {
  std::vector<GradientPart> parts(
      Parts(pass.size), GradientPart(pass.affine, pass.epilogue, center));
  ForEachPart(pass.size, [&](int part, int64_t rows, int64_t at) {
    parts[part].Add(rows, pass.src + at, pass.diff_dst + at);
  });
  CombineGradients(parts, sums);
}

void ApplyGradient(const GradientPass& pass,
                   const GradientCorrection& correction, float* diff_src) {
  const GradientChunks chunks(pass.affine, pass.epilogue, correction);
  ForEachPart(pass.size, [&](int /*part*/, int64_t rows, int64_t at) {
    chunks.Apply(rows, pass.src + at, pass.diff_dst + at, diff_src + at);
  });
}

}  // namespace frostnas::nn

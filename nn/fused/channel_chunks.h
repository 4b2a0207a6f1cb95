// The passes of channel_ops.h on some rows of a tensor, on the calling thread:
// for loops that do several things to a chunk while it is in the cache.
//
//   std::vector<StatsPart> kept;                              // for all passes
//   const auto parts = StartParts(kept, n, channels);         // one a thread
//   ... parts[i].Add(rows, y);  parts[i].Add(rows, y + ...);
//   CombineStats(parts, stats);                               // in their order
//
// Where a pass takes Elements, src is of single precision or Float16; gradients
// and what is made are of single precision or BFloat16.
//
// Objects are made once and Set or Reset for each pass, which keeps their
// memory. Between one Set and the next, AffineChunks and GradientChunks are
// shared by threads; a *Part belongs to one thread.
#ifndef FROSTNAS_NN_FUSED_CHANNEL_CHUNKS_H_
#define FROSTNAS_NN_FUSED_CHANNEL_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "nn/elements.h"
#include "nn/fused/epilogue.h"

namespace frostnas::nn {

void Round(int64_t count, const float* src, BFloat16* dst);

// v = scale[c] * x + shift[c].
struct ChannelAffine {
  std::vector<float> scale;
  std::vector<float> shift;
};

struct ChannelStats {
  std::vector<double> mean;
  std::vector<double> variance;  // divided by rows, not rows - 1
  std::vector<float> min;
  std::vector<float> max;
};

// sum[c] = sum of g, sum_centered[c] = sum of g * (src - center[c]).
struct GradientSums {
  std::vector<double> sum;
  std::vector<double> sum_centered;
};

struct GradientCorrection {
  std::vector<float> offset;
  std::vector<float> slope;
};

// Rows of `channels` values are handled in groups of whole vectors, per-channel
// values repeated to a group's length: vectors are full however few channels
// there are.
class Period {
 public:
  explicit Period(int channels = 1);
  int channels() const { return channels_; }
  int64_t rows() const { return rows_; }
  int64_t floats() const { return rows_ * channels_; }
  // ASSIGNS `repeated`; `values` are one a channel.
  void Repeat(absl::Span<const float> values,
              std::vector<float>& repeated) const;

 private:
  int channels_;
  int64_t rows_;
};

// dst = epilogue(affine(src)); dst may be src.
class AffineChunks {
 public:
  AffineChunks() = default;
  AffineChunks(const ChannelAffine& affine, const Epilogue& epilogue) {
    Set(affine, epilogue);
  }
  void Set(const ChannelAffine& affine, const Epilogue& epilogue);
  void Apply(int64_t rows, ConstElements src, Elements dst) const;

 private:
  Period period_;
  std::vector<float> scale_, shift_;
  Epilogue epilogue_;
};

// The parts of a pass: the first `count` of `kept`, which grows where it must,
// each Reset with the arguments. Valid until the next call.
template <typename AnyPart, typename... Args>
absl::Span<AnyPart> StartParts(std::vector<AnyPart>& kept, int count,
                               const Args&... args) {
  const size_t wanted = static_cast<size_t>(count);
  if (kept.size() < wanted) kept.resize(wanted);
  for (size_t i = 0; i < wanted; ++i) kept[i].Reset(args...);
  return absl::MakeSpan(kept.data(), wanted);
}

// Statistics of the rows of one thread. Sums are shifted by its first row and
// combined in double precision every few hundred groups, so a large mean costs
// no accuracy.
class StatsPart {
 public:
  void Reset(int channels);
  // With `rounded`, src is rounded to it and the statistics are of that.
  void Add(int64_t rows, const float* src, Float16* rounded = nullptr);

 private:
  friend void CombineStats(absl::Span<const StatsPart>, ChannelStats&);

  Period period_;
  int64_t rows_ = 0;
  std::vector<float> shift_;           // repeated
  std::vector<double> sum_, squares_;  // of src - shift
  std::vector<float> group_sum_, group_squares_, group_min_, group_max_;
};

// ASSIGNS stats; some part must have rows.
void CombineStats(absl::Span<const StatsPart> parts, ChannelStats& stats);

// Sums over one thread's rows of the gradient past the epilogue,
//   g = diff_dst where the epilogue passes affine(src), else 0.
class GradientPart {
 public:
  void Reset(const ChannelAffine& affine, const Epilogue& epilogue,
             const std::vector<float>& center);
  // With `rounded`, diff_dst is rounded to it and the sums are of that.
  void Add(int64_t rows, ConstElements src, const float* diff_dst,
           BFloat16* rounded = nullptr);

 private:
  friend void CombineGradients(absl::Span<const GradientPart>, GradientSums&);

  Period period_;
  std::vector<float> scale_, shift_, center_;  // repeated
  Epilogue epilogue_;
  std::vector<double> sum_, centered_;
  std::vector<float> group_sum_, group_centered_;
};

// ASSIGNS sums.
void CombineGradients(absl::Span<const GradientPart> parts, GradientSums& sums);

// diff_src = scale[c] * g - (offset[c] + slope[c] * src); diff_src may be
// diff_dst. Batch norm's backward with offset and slope from GradientSums;
// without batch norm both are 0.
class GradientChunks {
 public:
  GradientChunks() = default;
  GradientChunks(const ChannelAffine& affine, const Epilogue& epilogue,
                 const GradientCorrection& correction) {
    Set(affine, epilogue, correction);
  }
  void Set(const ChannelAffine& affine, const Epilogue& epilogue,
           const GradientCorrection& correction);
  void Apply(int64_t rows, ConstElements src, ConstElements diff_dst,
             Elements diff_src) const;

 private:
  Period period_;
  std::vector<float> scale_, shift_, offset_, slope_;  // repeated
  Epilogue epilogue_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_FUSED_CHANNEL_CHUNKS_H_

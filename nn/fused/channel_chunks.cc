#include "nn/fused/channel_chunks.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "nn/fused/kernels.h"

namespace frostnas::nn {
namespace {

// Groups whose sums are kept in single precision.
constexpr int64_t kSingleGroups = 256;

// Adds sums over a group to the double precision sums of its channels, and
// clears them.
void Drain(std::vector<float>& group_sums, std::vector<double>& channel_sums) {
  size_t c = 0;
  for (float& sum : group_sums) {
    channel_sums[c] += sum;
    sum = 0;
    if (++c == channel_sums.size()) c = 0;
  }
}

void Add(const std::vector<double>& from, std::vector<double>& to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

template <typename T>
T* At(T* base, int64_t index) {
  return base == nullptr ? nullptr : base + index;
}

// x itself, or what is left of it when it is rounded to `to`.
template <typename T>
float Keep(float x, T* to) {
  if (to == nullptr) return x;
  Elements(to).Set(0, x);
  return ToFloat(*to);
}

// Splits rows into whole groups and the index of the first float after them.
struct Split {
  Split(const Period& period, int64_t rows)
      : groups(rows / period.rows()),
        rest_begin(groups * period.floats()),
        end(rows * period.channels()) {}
  fused::Groups all(const Period& period) const {
    return {groups, period.floats()};
  }
  int64_t groups, rest_begin, end;
};

// Calls body(first float, groups) for runs of at most kSingleGroups groups.
template <typename Body>
void ForEachRun(const Split& split, const Period& period, const Body& body) {
  for (int64_t g = 0; g < split.groups; g += kSingleGroups) {
    body(g * period.floats(),
         fused::Groups{std::min(kSingleGroups, split.groups - g),
                       period.floats()});
  }
}

}  // namespace

void Round(int64_t count, const float* src, BFloat16* dst) {
  fused::Round(count, src, dst);
}

Period::Period(int channels) : channels_(channels) {
  // A group of a few vectors at least keeps the loop overhead small.
  constexpr int64_t kShortest = 4 * fused::kLanes;
  rows_ = fused::kLanes / std::gcd(channels, fused::kLanes);
  while (rows_ * channels < kShortest) rows_ *= 2;
}

void Period::Repeat(absl::Span<const float> values,
                    std::vector<float>& repeated) const {
  DCHECK_EQ(values.size(), static_cast<size_t>(channels_));
  repeated.resize(static_cast<size_t>(floats()));
  for (size_t i = 0; i < repeated.size(); i += values.size()) {
    std::copy(values.begin(), values.end(), repeated.begin() + i);
  }
}

void AffineChunks::Set(const ChannelAffine& affine, const Epilogue& epilogue) {
  period_ = Period(static_cast<int>(affine.scale.size()));
  period_.Repeat(affine.scale, scale_);
  period_.Repeat(affine.shift, shift_);
  epilogue_ = epilogue;
}

void AffineChunks::Apply(int64_t rows, ConstElements src, Elements dst) const {
  const Split split(period_, rows);
  fused::ApplyAffine(split.all(period_), {scale_.data(), shift_.data()},
                     epilogue_, src, dst);
  size_t c = 0;  // a group starts with channel 0 and repeats every `channels`
  for (int64_t i = split.rest_begin; i < split.end; ++i, ++c) {
    dst.Set(i, ApplyEpilogue(epilogue_, scale_[c] * src[i] + shift_[c]));
  }
}

void StatsPart::Reset(int channels) {
  period_ = Period(channels);
  rows_ = 0;
  const size_t floats = static_cast<size_t>(period_.floats());
  sum_.assign(static_cast<size_t>(channels), 0.0);
  squares_.assign(static_cast<size_t>(channels), 0.0);
  group_sum_.assign(floats, 0.0f);
  group_squares_.assign(floats, 0.0f);
  group_min_.assign(floats, Epilogue::kInfinity);
  group_max_.assign(floats, -Epilogue::kInfinity);
}

void StatsPart::Add(int64_t rows, const float* src, Float16* rounded) {
  if (rows == 0) return;
  const int channels = period_.channels();
  if (rows_ == 0) period_.Repeat({src, static_cast<size_t>(channels)}, shift_);
  rows_ += rows;
  const Split split(period_, rows);
  ForEachRun(split, period_, [&](int64_t at, const fused::Groups& groups) {
    fused::AddStats(groups, src + at, At(rounded, at),
                    {shift_.data(), group_sum_.data(), group_squares_.data(),
                     group_min_.data(), group_max_.data()});
    Drain(group_sum_, sum_);
    Drain(group_squares_, squares_);
  });
  for (int64_t i = split.rest_begin; i < split.end; ++i) {
    const size_t c = static_cast<size_t>((i - split.rest_begin) % channels);
    const float x = Keep(src[i], At(rounded, i));
    const double d = double{x} - double{shift_[c]};
    sum_[c] += d;
    squares_[c] += d * d;
    group_min_[c] = std::min(group_min_[c], x);
    group_max_[c] = std::max(group_max_[c], x);
  }
}

// Means and sums of squared deviations are joined part by part (Chan, Golub,
// LeVeque 1983, equation 2.1).
void CombineStats(absl::Span<const StatsPart> parts, ChannelStats& stats) {
  const size_t channels = parts[0].sum_.size();
  stats.mean.assign(channels, 0.0);
  stats.variance.assign(channels, 0.0);
  stats.min.assign(channels, Epilogue::kInfinity);
  stats.max.assign(channels, -Epilogue::kInfinity);
  double rows = 0;
  for (const StatsPart& part : parts) {
    if (part.rows_ == 0) continue;
    const double n = static_cast<double>(part.rows_);
    for (size_t c = 0; c < channels; ++c) {
      const double mean = part.shift_[c] + part.sum_[c] / n;
      const double squares = part.squares_[c] - part.sum_[c] * part.sum_[c] / n;
      const double delta = mean - stats.mean[c];
      stats.mean[c] += delta * n / (rows + n);
      stats.variance[c] +=
          std::max(0.0, squares) + delta * delta * rows * n / (rows + n);
    }
    rows += n;
    for (size_t i = 0, c = 0; i < part.group_min_.size(); ++i) {
      stats.min[c] = std::min(stats.min[c], part.group_min_[i]);
      stats.max[c] = std::max(stats.max[c], part.group_max_[i]);
      if (++c == channels) c = 0;
    }
  }
  CHECK(rows > 0) << "statistics of no rows";
  for (double& variance : stats.variance) variance /= rows;
}

void GradientPart::Reset(const ChannelAffine& affine, const Epilogue& epilogue,
                         const std::vector<float>& center) {
  period_ = Period(static_cast<int>(center.size()));
  period_.Repeat(affine.scale, scale_);
  period_.Repeat(affine.shift, shift_);
  period_.Repeat(center, center_);
  epilogue_ = epilogue;
  const size_t floats = static_cast<size_t>(period_.floats());
  sum_.assign(center.size(), 0.0);
  centered_.assign(center.size(), 0.0);
  group_sum_.assign(floats, 0.0f);
  group_centered_.assign(floats, 0.0f);
}

void GradientPart::Add(int64_t rows, ConstElements src, const float* diff_dst,
                       BFloat16* rounded) {
  const Split split(period_, rows);
  ForEachRun(split, period_, [&](int64_t at, const fused::Groups& groups) {
    fused::AddGradient(
        groups, epilogue_,
        {{scale_.data(), shift_.data()}, src + at, diff_dst + at},
        {center_.data(), group_sum_.data(), group_centered_.data(),
         At(rounded, at)});
    Drain(group_sum_, sum_);
    Drain(group_centered_, centered_);
  });
  for (int64_t i = split.rest_begin; i < split.end; ++i) {
    const size_t c =
        static_cast<size_t>((i - split.rest_begin) % period_.channels());
    const float diff = Keep(diff_dst[i], At(rounded, i));
    if (!Passes(epilogue_, scale_[c] * src[i] + shift_[c])) continue;
    sum_[c] += diff;
    centered_[c] += diff * (src[i] - center_[c]);
  }
}

void CombineGradients(absl::Span<const GradientPart> parts,
                      GradientSums& sums) {
  sums.sum.assign(parts[0].sum_.size(), 0.0);
  sums.sum_centered.assign(parts[0].sum_.size(), 0.0);
  for (const GradientPart& part : parts) {
    Add(part.sum_, sums.sum);
    Add(part.centered_, sums.sum_centered);
  }
}

void GradientChunks::Set(const ChannelAffine& affine, const Epilogue& epilogue,
                         const GradientCorrection& correction) {
  period_ = Period(static_cast<int>(affine.scale.size()));
  period_.Repeat(affine.scale, scale_);
  period_.Repeat(affine.shift, shift_);
  period_.Repeat(correction.offset, offset_);
  period_.Repeat(correction.slope, slope_);
  epilogue_ = epilogue;
}

void GradientChunks::Apply(int64_t rows, ConstElements src,
                           ConstElements diff_dst, Elements diff_src) const {
  const Split split(period_, rows);
  fused::ApplyGradient(split.all(period_), epilogue_,
                       {{scale_.data(), shift_.data()}, src, diff_dst},
                       {offset_.data(), slope_.data(), diff_src});
  size_t c = 0;
  for (int64_t i = split.rest_begin; i < split.end; ++i, ++c) {
    const bool passes = Passes(epilogue_, scale_[c] * src[i] + shift_[c]);
    diff_src.Set(i, scale_[c] * (passes ? diff_dst[i] : 0.0f) -
                        (slope_[c] * src[i] + offset_[c]));
  }
}

}  // namespace frostnas::nn

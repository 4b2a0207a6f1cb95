#include "nn/fused/channel_ops.h"

#include <algorithm>
#include <numeric>

#include "nn/fused/kernels.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// How (rows, channels) data is cut into groups of rows of one period.
struct Grouping {
  explicit Grouping(const Rows& size) {
    // A period of a few vectors at least keeps the loop overhead small.
    constexpr int64_t kShortest = 4 * fused::kLanes;
    int64_t rows = fused::kLanes / std::gcd(size.channels, fused::kLanes);
    while (rows * size.channels < kShortest) rows *= 2;
    period = rows * size.channels;
    groups = size.rows / rows;
    rest_begin = groups * period;
  }

  fused::Groups Some(int64_t count) const { return {count, period}; }

  // Groups a thread must get for starting it to be worth while.
  int64_t grain() const { return std::max<int64_t>(1, (1 << 15) / period); }

  int64_t period = 0;      // floats
  int64_t groups = 0;      // whole ones
  int64_t rest_begin = 0;  // index of the first float after them
};

// Per-channel values repeated to the period.
std::vector<float> Repeat(const std::vector<float>& values, int64_t period) {
  std::vector<float> repeated(static_cast<size_t>(period));
  for (size_t i = 0; i < repeated.size(); i += values.size()) {
    std::copy(values.begin(), values.end(), repeated.begin() + i);
  }
  return repeated;
}

struct RepeatedAffine {
  RepeatedAffine(const ChannelAffine& affine, int64_t period)
      : scale(Repeat(affine.scale, period)),
        shift(Repeat(affine.shift, period)) {}
  fused::PeriodAffine view() const { return {scale.data(), shift.data()}; }

  std::vector<float> scale, shift;
};

// Adds sums over a period to the double precision sums of its channels, and
// clears them.
void Drain(std::vector<float>& period_sums, std::vector<double>& channel_sums) {
  size_t c = 0;
  for (float& sum : period_sums) {
    channel_sums[c] += sum;
    sum = 0;
    if (++c == channel_sums.size()) c = 0;
  }
}

void Add(const std::vector<double>& from, std::vector<double>& to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// Groups whose sums are kept in single precision.
constexpr int64_t kSingleGroups = 256;

// Shifted sums of one thread's part.
struct PartStats {
  PartStats(int channels, int64_t period)
      : sum(channels),
        squares(channels),
        period_sum(period),
        period_squares(period),
        period_min(period, Epilogue::kInfinity),
        period_max(period, -Epilogue::kInfinity) {}

  std::vector<double> sum, squares;
  std::vector<float> period_sum, period_squares, period_min, period_max;
};

void AddPart(const Part& part, const Grouping& grouping, const float* src,
             const float* shift, PartStats& out) {
  const fused::StatsSums sums = {shift, out.period_sum.data(),
                                 out.period_squares.data(),
                                 out.period_min.data(), out.period_max.data()};
  for (int64_t g = part.begin; g < part.end; g += kSingleGroups) {
    fused::AddStats(grouping.Some(std::min(kSingleGroups, part.end - g)),
                    src + g * grouping.period, sums);
    Drain(out.period_sum, out.sum);
    Drain(out.period_squares, out.squares);
  }
}

void AddRest(const Grouping& grouping, const Rows& size, const float* src,
             PartStats& out) {
  for (int64_t i = grouping.rest_begin; i < size.elements(); ++i) {
    const size_t c = static_cast<size_t>(i % size.channels);
    const double d = double{src[i]} - double{src[c]};
    out.sum[c] += d;
    out.squares[c] += d * d;
    out.period_min[c] = std::min(out.period_min[c], src[i]);
    out.period_max[c] = std::max(out.period_max[c], src[i]);
  }
}

void FoldMinMax(const PartStats& part, ChannelStats& stats) {
  const size_t channels = stats.min.size();
  for (size_t i = 0, c = 0; i < part.period_min.size(); ++i) {
    stats.min[c] = std::min(stats.min[c], part.period_min[i]);
    stats.max[c] = std::max(stats.max[c], part.period_max[i]);
    if (++c == channels) c = 0;
  }
}

// Sums of gradients of one thread's part.
struct PartGradients {
  PartGradients(int channels, int64_t period)
      : sum(channels),
        centered(channels),
        period_sum(period),
        period_centered(period) {}

  std::vector<double> sum, centered;
  std::vector<float> period_sum, period_centered;
};

// g of GradientPass at element i of channel c.
float Gated(const GradientPass& pass, int64_t i, size_t c) {
  const float v = pass.affine.scale[c] * pass.src[i] + pass.affine.shift[c];
  return Passes(pass.epilogue, v) ? pass.diff_dst[i] : 0.0f;
}

}  // namespace

void ComputeChannelStats(const Rows& size, const float* src,
                         ChannelStats& stats) {
  const Grouping grouping(size);
  const std::vector<float> shift =
      Repeat(std::vector<float>(src, src + size.channels), grouping.period);
  std::vector<PartStats> parts(PartCount(grouping.groups, grouping.grain()),
                               PartStats(size.channels, grouping.period));
  ParallelFor(grouping.groups, grouping.grain(), [&](const Part& part) {
    AddPart(part, grouping, src, shift.data(), parts[part.index]);
  });
  AddRest(grouping, size, src, parts.back());

  stats.min.assign(size.channels, Epilogue::kInfinity);
  stats.max.assign(size.channels, -Epilogue::kInfinity);
  for (const PartStats& part : parts) FoldMinMax(part, stats);
  for (size_t i = 1; i < parts.size(); ++i) {
    Add(parts[i].sum, parts[0].sum);
    Add(parts[i].squares, parts[0].squares);
  }
  stats.mean.resize(size.channels);
  stats.variance.resize(size.channels);
  const double rows = static_cast<double>(size.rows);
  for (int c = 0; c < size.channels; ++c) {
    const double d = parts[0].sum[c] / rows;
    stats.mean[c] = double{src[c]} + d;
    stats.variance[c] = std::max(0.0, parts[0].squares[c] / rows - d * d);
  }
}

void ApplyAffine(const Rows& size, const ChannelAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst) {
  const Grouping grouping(size);
  const RepeatedAffine repeated(affine, grouping.period);
  ParallelFor(grouping.groups, grouping.grain(), [&](const Part& part) {
    const int64_t at = part.begin * grouping.period;
    fused::ApplyAffine(grouping.Some(part.end - part.begin), repeated.view(),
                       epilogue, src + at, dst + at);
  });
  for (int64_t i = grouping.rest_begin; i < size.elements(); ++i) {
    const size_t c = static_cast<size_t>(i % size.channels);
    dst[i] =
        ApplyEpilogue(epilogue, affine.scale[c] * src[i] + affine.shift[c]);
  }
}

void ReduceGradient(const GradientPass& pass, const std::vector<float>& center,
                    GradientSums& sums) {
  const int channels = pass.size.channels;
  const Grouping grouping(pass.size);
  const RepeatedAffine affine(pass.affine, grouping.period);
  const std::vector<float> centers = Repeat(center, grouping.period);
  std::vector<PartGradients> parts(PartCount(grouping.groups, grouping.grain()),
                                   PartGradients(channels, grouping.period));
  ParallelFor(grouping.groups, grouping.grain(), [&](const Part& part) {
    PartGradients& out = parts[part.index];
    for (int64_t g = part.begin; g < part.end; g += kSingleGroups) {
      const int64_t at = g * grouping.period;
      fused::AddGradient(
          grouping.Some(std::min(kSingleGroups, part.end - g)), pass.epilogue,
          {affine.view(), pass.src + at, pass.diff_dst + at},
          {centers.data(), out.period_sum.data(), out.period_centered.data()});
      Drain(out.period_sum, out.sum);
      Drain(out.period_centered, out.centered);
    }
  });
  sums.sum.assign(channels, 0.0);
  sums.sum_centered.assign(channels, 0.0);
  for (const PartGradients& part : parts) {
    Add(part.sum, sums.sum);
    Add(part.centered, sums.sum_centered);
  }
  for (int64_t i = grouping.rest_begin; i < pass.size.elements(); ++i) {
    const size_t c = static_cast<size_t>(i % channels);
    const double g = Gated(pass, i, c);
    sums.sum[c] += g;
    sums.sum_centered[c] += g * (pass.src[i] - center[c]);
  }
}

void ApplyGradient(const GradientPass& pass,
                   const GradientCorrection& correction, float* diff_src) {
  const Grouping grouping(pass.size);
  const RepeatedAffine affine(pass.affine, grouping.period);
  const std::vector<float> offset = Repeat(correction.offset, grouping.period);
  const std::vector<float> slope = Repeat(correction.slope, grouping.period);
  ParallelFor(grouping.groups, grouping.grain(), [&](const Part& part) {
    const int64_t at = part.begin * grouping.period;
    fused::ApplyGradient(grouping.Some(part.end - part.begin), pass.epilogue,
                         {affine.view(), pass.src + at, pass.diff_dst + at},
                         {offset.data(), slope.data(), diff_src + at});
  });
  for (int64_t i = grouping.rest_begin; i < pass.size.elements(); ++i) {
    const size_t c = static_cast<size_t>(i % pass.size.channels);
    diff_src[i] = pass.affine.scale[c] * Gated(pass, i, c) -
                  (correction.slope[c] * pass.src[i] + correction.offset[c]);
  }
}

}  // namespace frostnas::nn

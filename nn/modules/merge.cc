#include "nn/modules/merge.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "nn/threads.h"

namespace frostnas::nn {
namespace {

constexpr int64_t kGrain = 1 << 15;  // floats a thread must get

// Rows are short: a call of memcpy would cost more than the copy.
inline void CopyRow(const float* from, int count, float* to) {
  constexpr int kTogether = 8;
  int i = 0;
  for (; i + kTogether <= count; i += kTogether) {
    std::memcpy(to + i, from + i, kTogether * sizeof(float));
  }
  for (; i < count; ++i) to[i] = from[i];
}

// Copies `channels` floats of each row between matrices of other widths.
struct Columns {
  const float* from;
  int from_stride;
  float* to;
  int to_stride;
  int channels;
};

void CopyColumns(int64_t rows, const Columns& columns) {
  const int64_t grain = std::max<int64_t>(1, kGrain / columns.channels);
  ParallelFor(rows, grain, [&](const Part& part) {
    const float* from = columns.from + part.begin * columns.from_stride;
    float* to = columns.to + part.begin * columns.to_stride;
    for (int64_t row = part.begin; row < part.end; ++row) {
      CopyRow(from, columns.channels, to);
      from += columns.from_stride;
      to += columns.to_stride;
    }
  });
}

}  // namespace

void Concat::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  Shape shape = src[0]->shape();
  shape.c += src[1]->shape().c;
  dst.Resize(shape);
  int offset = 0;
  for (const Tensor* from : src) {
    const int channels = from->shape().c;
    CopyColumns(shape.rows(), {from->data(), channels, dst.data() + offset,
                               shape.c, channels});
    offset += channels;
  }
}

void Concat::Backward(Sources src, Tensor& diff_dst,
                      absl::Span<Tensor* const> diff_src) {
  int offset = 0;
  for (size_t i = 0; i < src.size(); ++i) {
    const int channels = src[i]->shape().c;
    if (diff_src[i] != nullptr) {
      diff_src[i]->Resize(src[i]->shape());
      CopyColumns(diff_dst.shape().rows(),
                  {diff_dst.data() + offset, diff_dst.shape().c,
                   diff_src[i]->data(), channels, channels});
    }
    offset += channels;
  }
}

void Add::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  dst.Resize(src[0]->shape());
  const float* a = src[0]->data();
  const float* b = src[1]->data();
  float* sum = dst.data();
  ParallelFor(dst.elements(), kGrain, [&](const Part& part) {
    for (int64_t i = part.begin; i < part.end; ++i) sum[i] = a[i] + b[i];
  });
}

void Add::Backward(Sources /*src*/, Tensor& diff_dst,
                   absl::Span<Tensor* const> diff_src) {
  for (Tensor* diff : diff_src) {
    if (diff != nullptr) Copy(diff_dst, *diff);
  }
}

void AddInPlace(const Tensor& from, Tensor& to) {
  const float* a = from.data();
  float* sum = to.data();
  ParallelFor(to.elements(), kGrain, [&](const Part& part) {
    for (int64_t i = part.begin; i < part.end; ++i) sum[i] += a[i];
  });
}

void Copy(const Tensor& from, Tensor& to) {
  to.Resize(from.shape());
  ParallelFor(from.elements(), kGrain, [&](const Part& part) {
    std::copy(from.data() + part.begin, from.data() + part.end,
              to.data() + part.begin);
  });
}

}  // namespace frostnas::nn

#include "nn/depthwise/kernels.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/depthwise/kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"

// A lambda does not take over the instruction set around it, and must vanish
// for its vectors to stay in registers.
#undef FROSTNAS_INLINE
#define FROSTNAS_INLINE HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace frostnas::nn::depthwise {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Full = hn::ScalableTag<float>;
using HalfTag = hn::Half<Full>;

template <int I>
using Int = std::integral_constant<int, I>;

template <typename Body, int... I>
HWY_INLINE void UnrollImpl(const Body& body,
                           std::integer_sequence<int, I...> /*indices*/) {
  (body(Int<I>()), ...);
}

// body(Int<0>()), ..., body(Int<N - 1>()).
template <int N, typename Body>
HWY_INLINE void Unroll(const Body& body) {
  UnrollImpl(body, std::make_integer_sequence<int, N>());
}

// Calls block(tag, first channel) until all channels are covered. The last
// block overlaps the one before it, so blocks must be free to repeat.
template <typename Block>
HWY_INLINE void ForEachChannelBlock(int channels, const Block& block) {
  const Full full;
  const int lanes = static_cast<int>(hn::Lanes(full));
  if (channels >= lanes) {
    for (int c = 0; c < channels; c += lanes) {
      block(full, std::min(c, channels - lanes));
    }
    return;
  }
  const HalfTag half;
  const int half_lanes = static_cast<int>(hn::Lanes(half));
  for (int c = 0; c < channels; c += half_lanes) {
    block(half, std::min(c, channels - half_lanes));
  }
}

// Calls tile(Int<T>(), first column) for tiles of 4, 2 and 1 columns.
template <typename Tile>
HWY_INLINE void ForEachTile(int columns, const Tile& tile) {
  int column = 0;
  for (; column + 4 <= columns; column += 4) tile(Int<4>(), column);
  if (column + 2 <= columns) {
    tile(Int<2>(), column);
    column += 2;
  }
  if (column < columns) tile(Int<1>(), column);
}

// A row of a (rows, columns, channels) image at one channel block; rows and
// columns outside are padding.
struct RowView {
  const float* data;  // column 0 at the block's first channel
  int columns;
  int channels;
  HWY_INLINE bool Has(int column) const {
    return static_cast<unsigned>(column) < static_cast<unsigned>(columns);
  }
  HWY_INLINE const float* At(int column) const {
    return data + static_cast<int64_t>(column) * channels;
  }
};

// acc[t] += sum over kw of row[column(t) * S - P + kw] * weights[kw].
template <int K, int S, int T, class D, class V = hn::Vec<D>>
HWY_INLINE void ForwardRowTile(D d, const RowView& row, int out_column,
                               const V (&weights)[K], V (&acc)[T]) {
  const int first = out_column * S - (K - 1) / 2;
  Unroll<(T - 1) * S + K>([&](auto j) FROSTNAS_INLINE {
    if (!row.Has(first + j)) return;
    const V src = hn::LoadU(d, row.At(first + j));
    Unroll<T>([&](auto t) FROSTNAS_INLINE {
      constexpr int kw = decltype(j)::value - decltype(t)::value * S;
      if constexpr (kw >= 0 && kw < K) {
        acc[t] = hn::MulAdd(src, weights[kw], acc[t]);
      }
    });
  });
}

// acc[t] += sum over outputs j of row[column / S + j] * weights[kw], where
// column + t = (column / S + j) * S - P + kw. `column` is a multiple of S.
template <int K, int S, int T, class D, class V = hn::Vec<D>>
HWY_INLINE void BackwardRowTile(D d, const RowView& row, int column,
                                const V (&weights)[K], V (&acc)[T]) {
  constexpr int kPad = (K - 1) / 2;
  constexpr int kFirst = -((K - 1 - kPad) / S);  // smallest j that reaches
  constexpr int kLast = (T - 1 + kPad) / S;
  const int first = column / S + kFirst;
  Unroll<kLast - kFirst + 1>([&](auto j) FROSTNAS_INLINE {
    if (!row.Has(first + j)) return;
    const V diff_dst = hn::LoadU(d, row.At(first + j));
    Unroll<T>([&](auto t) FROSTNAS_INLINE {
      constexpr int kw =
          decltype(t)::value + kPad - (decltype(j)::value + kFirst) * S;
      if constexpr (kw >= 0 && kw < K) {
        acc[t] = hn::MulAdd(diff_dst, weights[kw], acc[t]);
      }
    });
  });
}

template <int K, class D, class V = hn::Vec<D>>
HWY_INLINE void LoadWeights(D d, const float* weights, int channels,
                            V (&out)[K]) {
  Unroll<K>([&](auto kw) FROSTNAS_INLINE {
    out[kw] = hn::LoadU(d, weights + int64_t{kw} * channels);
  });
}

template <int T, class D, class V = hn::Vec<D>>
HWY_INLINE void StoreTile(D d, const V (&acc)[T], int channels, float* dst) {
  Unroll<T>([&](auto t) FROSTNAS_INLINE {
    hn::StoreU(acc[t], d, dst + int64_t{t} * channels);
  });
}

template <int K, int S>
struct Kernel {
  static constexpr int kPad = (K - 1) / 2;

  // One tile of output row `oh`; pointers at the block's first channel.
  template <int T, class D>
  static HWY_INLINE void ForwardTile(D d, const ConvShape& s, const float* src,
                                     const float* weights, int oh, int ow,
                                     float* dst_row) {
    hn::Vec<D> acc[T];
    Unroll<T>([&](auto t) FROSTNAS_INLINE { acc[t] = hn::Zero(d); });
    for (int kh = 0; kh < K; ++kh) {
      const int ih = oh * S - kPad + kh;
      if (ih < 0 || ih >= s.h) continue;
      hn::Vec<D> w[K];
      LoadWeights<K>(d, weights + int64_t{kh} * K * s.c_in, s.c_in, w);
      const RowView row = {src + int64_t{ih} * s.w * s.c_in, s.w, s.c_in};
      ForwardRowTile<K, S, T>(d, row, ow, w, acc);
    }
    StoreTile<T>(d, acc, s.c_in, dst_row + int64_t{ow} * s.c_in);
  }

  static void ForwardRows(const ConvShape& s, const float* src,
                          const float* weights, float* dst, int64_t row_begin,
                          int64_t row_end) {
    const int64_t image = int64_t{s.h} * s.w * s.c_in;
    for (int64_t row = row_begin; row < row_end; ++row) {
      const float* src_image = src + row / s.out_h() * image;
      const int oh = static_cast<int>(row % s.out_h());
      float* dst_row = dst + row * s.out_w() * s.c_in;
      ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
        ForEachTile(s.out_w(), [&](auto t, int ow) FROSTNAS_INLINE {
          ForwardTile<decltype(t)::value>(d, s, src_image + c, weights + c, oh,
                                          ow, dst_row + c);
        });
      });
    }
  }

  // One tile of diff_src's row `ih`, starting at column `iw`, a multiple of S.
  template <int T, class D>
  static HWY_INLINE void BackwardTile(D d, const ConvShape& s,
                                      const float* diff_dst,
                                      const float* weights, int ih, int iw,
                                      float* diff_src_row) {
    hn::Vec<D> acc[T];
    Unroll<T>([&](auto t) FROSTNAS_INLINE { acc[t] = hn::Zero(d); });
    for (int kh = (ih + kPad) % S; kh < K; kh += S) {
      const int scaled = ih + kPad - kh;  // oh * S
      if (scaled < 0 || scaled / S >= s.out_h()) continue;
      hn::Vec<D> w[K];
      LoadWeights<K>(d, weights + int64_t{kh} * K * s.c_in, s.c_in, w);
      const RowView row = {diff_dst + int64_t{scaled / S} * s.out_w() * s.c_in,
                           s.out_w(), s.c_in};
      BackwardRowTile<K, S, T>(d, row, iw, w, acc);
    }
    StoreTile<T>(d, acc, s.c_in, diff_src_row + int64_t{iw} * s.c_in);
  }

  static void BackwardDataRows(const ConvShape& s, const float* diff_dst,
                               const float* weights, float* diff_src,
                               int64_t row_begin, int64_t row_end) {
    const int64_t image = int64_t{s.out_h()} * s.out_w() * s.c_in;
    for (int64_t row = row_begin; row < row_end; ++row) {
      const float* diff_dst_image = diff_dst + row / s.h * image;
      const int ih = static_cast<int>(row % s.h);
      float* diff_src_row = diff_src + row * s.w * s.c_in;
      ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
        ForEachTile(s.w, [&](auto t, int iw) FROSTNAS_INLINE {
          BackwardTile<decltype(t)::value>(
              d, s, diff_dst_image + c, weights + c, ih, iw, diff_src_row + c);
        });
      });
    }
  }

  // acc[kw] += sum over t of src[(ow + t) * S - P + kw] * diff_dst[ow + t].
  template <int T, class D, class V = hn::Vec<D>>
  static HWY_INLINE void WeightsTile(D d, const RowView& src_row,
                                     const RowView& diff_row, int ow,
                                     V (&acc)[K]) {
    V diff_dst[T];
    Unroll<T>([&](auto t) FROSTNAS_INLINE {
      diff_dst[t] = hn::LoadU(d, diff_row.At(ow + t));
    });
    const int first = ow * S - kPad;
    Unroll<(T - 1) * S + K>([&](auto j) FROSTNAS_INLINE {
      if (!src_row.Has(first + j)) return;
      const V src = hn::LoadU(d, src_row.At(first + j));
      Unroll<T>([&](auto t) FROSTNAS_INLINE {
        constexpr int kw = decltype(j)::value - decltype(t)::value * S;
        if constexpr (kw >= 0 && kw < K) {
          acc[kw] = hn::MulAdd(src, diff_dst[t], acc[kw]);
        }
      });
    });
  }

  // Weights row `kh` of one image and channel block, ADDED to partial.
  template <class D>
  static HWY_INLINE void WeightsRow(D d, const ConvShape& s, const float* src,
                                    const float* diff_dst, int kh,
                                    float* partial) {
    hn::Vec<D> acc[K];
    Unroll<K>([&](auto kw) FROSTNAS_INLINE { acc[kw] = hn::Zero(d); });
    for (int oh = 0; oh < s.out_h(); ++oh) {
      const int ih = oh * S - kPad + kh;
      if (ih < 0 || ih >= s.h) continue;
      const RowView src_row = {src + int64_t{ih} * s.w * s.c_in, s.w, s.c_in};
      const RowView diff_row = {diff_dst + int64_t{oh} * s.out_w() * s.c_in,
                                s.out_w(), s.c_in};
      ForEachTile(s.out_w(), [&](auto t, int ow) FROSTNAS_INLINE {
        WeightsTile<decltype(t)::value>(d, src_row, diff_row, ow, acc);
      });
    }
    Unroll<K>([&](auto kw) FROSTNAS_INLINE {
      float* sum = partial + (int64_t{kh} * K + kw) * s.c_in;
      hn::StoreU(hn::Add(hn::LoadU(d, sum), acc[kw]), d, sum);
    });
  }

  static void BackwardWeightsImages(const ConvShape& s, const float* src,
                                    const float* diff_dst, float* partial,
                                    int64_t image_begin, int64_t image_end) {
    const int64_t src_image = int64_t{s.h} * s.w * s.c_in;
    const int64_t dst_image = int64_t{s.out_h()} * s.out_w() * s.c_in;
    ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
      // The last block repeats channels of the one before: start from zero.
      for (int tap = 0; tap < K * K; ++tap) {
        hn::StoreU(hn::Zero(d), d, partial + int64_t{tap} * s.c_in + c);
      }
      for (int64_t n = image_begin; n < image_end; ++n) {
        for (int kh = 0; kh < K; ++kh) {
          WeightsRow(d, s, src + n * src_image + c,
                     diff_dst + n * dst_image + c, kh, partial + c);
        }
      }
    });
  }
};

// Calls body with the Kernel for the shape.
template <typename Body>
HWY_INLINE void WithKernel(const ConvShape& s, const Body& body) {
  if (s.kernel == 3 && s.stride == 1) return body(Kernel<3, 1>());
  if (s.kernel == 3 && s.stride == 2) return body(Kernel<3, 2>());
  if (s.kernel == 5 && s.stride == 1) return body(Kernel<5, 1>());
  if (s.kernel == 5 && s.stride == 2) return body(Kernel<5, 2>());
}

}  // namespace

int MinChannels() { return static_cast<int>(hn::Lanes(HalfTag())); }

void ForwardRows(const ConvShape& s, const float* src, const float* weights,
                 float* dst, int64_t row_begin, int64_t row_end) {
  WithKernel(s, [&](auto kernel) FROSTNAS_INLINE {
    kernel.ForwardRows(s, src, weights, dst, row_begin, row_end);
  });
}

void BackwardDataRows(const ConvShape& s, const float* diff_dst,
                      const float* weights, float* diff_src, int64_t row_begin,
                      int64_t row_end) {
  WithKernel(s, [&](auto kernel) FROSTNAS_INLINE {
    kernel.BackwardDataRows(s, diff_dst, weights, diff_src, row_begin, row_end);
  });
}

void BackwardWeightsImages(const ConvShape& s, const float* src,
                           const float* diff_dst, float* partial,
                           int64_t image_begin, int64_t image_end) {
  WithKernel(s, [&](auto kernel) FROSTNAS_INLINE {
    kernel.BackwardWeightsImages(s, src, diff_dst, partial, image_begin,
                                 image_end);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace frostnas::nn::depthwise
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::nn::depthwise {

HWY_EXPORT(MinChannels);
HWY_EXPORT(ForwardRows);
HWY_EXPORT(BackwardDataRows);
HWY_EXPORT(BackwardWeightsImages);

bool Supported(const ConvShape& shape) {
  return (shape.kernel == 3 || shape.kernel == 5) && shape.stride <= 2 &&
         shape.c_in >= HWY_DYNAMIC_DISPATCH(MinChannels)();
}

void ForwardRows(const ConvShape& shape, const float* src, const float* weights,
                 float* dst, int64_t row_begin, int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(ForwardRows)
  (shape, src, weights, dst, row_begin, row_end);
}

void BackwardDataRows(const ConvShape& shape, const float* diff_dst,
                      const float* weights, float* diff_src, int64_t row_begin,
                      int64_t row_end) {
  HWY_DYNAMIC_DISPATCH(BackwardDataRows)
  (shape, diff_dst, weights, diff_src, row_begin, row_end);
}

void BackwardWeightsImages(const ConvShape& shape, const float* src,
                           const float* diff_dst, float* partial,
                           int64_t image_begin, int64_t image_end) {
  HWY_DYNAMIC_DISPATCH(BackwardWeightsImages)
  (shape, src, diff_dst, partial, image_begin, image_end);
}

}  // namespace frostnas::nn::depthwise
#endif  // HWY_ONCE

#include "nn/depthwise/kernels.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

// Processors without SSE4 take the portable code.
#define HWY_DISABLED_TARGETS HWY_SSSE3
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

// a * b[I] + c where b has an element I, else c.
template <int I, int N, class V>
HWY_INLINE V MulAddAt(V a, const V (&b)[N], V c) {
  if constexpr (I >= 0 && I < N) {
    return hn::MulAdd(a, b[I], c);
  } else {
    return c;
  }
}

// acc[t] += a * b[kFirst + t * kStep] for the t for which b has that element.
template <int kFirst, int kStep, int N, int T, class V>
HWY_INLINE void MulAddTile(V a, const V (&b)[N], V (&acc)[T]) {
  acc[0] = MulAddAt<kFirst>(a, b, acc[0]);
  if constexpr (T > 1) acc[1] = MulAddAt<kFirst + kStep>(a, b, acc[1]);
  if constexpr (T > 2) acc[2] = MulAddAt<kFirst + 2 * kStep>(a, b, acc[2]);
  if constexpr (T > 3) acc[3] = MulAddAt<kFirst + 3 * kStep>(a, b, acc[3]);
  static_assert(T <= 4);
}

// One of the columns a tile reads, the J-th: what it adds to the tile.
template <int K, int S, int T>
struct ForwardColumn {
  static constexpr int kCount = (T - 1) * S + K;
  static constexpr int First(int column) { return column * S - (K - 1) / 2; }
  // Output t takes it with weight kw = J - t * S.
  template <int J, class V>
  static HWY_INLINE void Add(V src, const V (&weights)[K], V (&acc)[T]) {
    MulAddTile<J, -S>(src, weights, acc);
  }
};

// The tile starts at `column`, a multiple of S; column + t = ow * S - P + kw.
template <int K, int S, int T>
struct BackwardColumn {
  static constexpr int kPad = (K - 1) / 2;
  static constexpr int kFirst = -((K - 1 - kPad) / S);
  static constexpr int kCount = (T - 1 + kPad) / S - kFirst + 1;
  static constexpr int First(int column) { return column / S + kFirst; }
  template <int J, class V>
  static HWY_INLINE void Add(V diff_dst, const V (&weights)[K], V (&acc)[T]) {
    MulAddTile<kPad - (J + kFirst) * S, 1>(diff_dst, weights, acc);
  }
};

// As ForwardColumn with the roles of weights and outputs exchanged:
// acc[kw] += src * diff_dst[t] where kw = J - t * S.
template <int K, int S, int T>
struct WeightsColumn {
  static constexpr int kCount = (T - 1) * S + K;
  static constexpr int First(int column) { return column * S - (K - 1) / 2; }
  template <int J, int kTile = 0, class V>
  static HWY_INLINE void Add(V src, const V (&diff_dst)[T], V (&acc)[K]) {
    constexpr int kw = J - kTile * S;
    if constexpr (kw >= 0 && kw < K) {
      acc[kw] = hn::MulAdd(src, diff_dst[kTile], acc[kw]);
    }
    if constexpr (kTile + 1 < T) Add<J, kTile + 1>(src, diff_dst, acc);
  }
};

// The columns of a row that a tile reads, from `first`.
struct TileView {
  RowView row;
  int first;
};

template <class Column, int J, class D, class V, int N, int M>
HWY_INLINE void AddOneColumn(D d, const TileView& view, const V (&factors)[N],
                             V (&acc)[M]) {
  const int column = view.first + J;
  if (!view.row.Has(column)) return;
  Column::template Add<J>(hn::LoadU(d, view.row.At(column)), factors, acc);
}

template <class Column, class D, class V, int N, int M, int... J>
HWY_INLINE void AddColumnsImpl(D d, const TileView& view, const V (&factors)[N],
                               V (&acc)[M],
                               std::integer_sequence<int, J...> /*columns*/) {
  (AddOneColumn<Column, J>(d, view, factors, acc), ...);
}

// Adds every column of `row` that the tile at `column` reads.
template <class Column, class D, class V, int N, int M>
HWY_INLINE void AddColumns(D d, const RowView& row, int column,
                           const V (&factors)[N], V (&acc)[M]) {
  AddColumnsImpl<Column>(d, {row, Column::First(column)}, factors, acc,
                         std::make_integer_sequence<int, Column::kCount>());
}

// N vectors, `channels` floats apart.
template <class D, int N, class V = hn::Vec<D>>
HWY_INLINE void LoadTile(D d, const float* src, int channels, V (&out)[N]) {
  out[0] = hn::LoadU(d, src);
  if constexpr (N > 1) out[1] = hn::LoadU(d, src + channels);
  if constexpr (N > 2) out[2] = hn::LoadU(d, src + 2 * int64_t{channels});
  if constexpr (N > 3) out[3] = hn::LoadU(d, src + 3 * int64_t{channels});
  if constexpr (N > 4) out[4] = hn::LoadU(d, src + 4 * int64_t{channels});
  static_assert(N <= 5);
}

template <class D, int N, class V = hn::Vec<D>>
HWY_INLINE void StoreTile(D d, const V (&tile)[N], int channels, float* dst) {
  hn::StoreU(tile[0], d, dst);
  if constexpr (N > 1) hn::StoreU(tile[1], d, dst + channels);
  if constexpr (N > 2) hn::StoreU(tile[2], d, dst + 2 * int64_t{channels});
  if constexpr (N > 3) hn::StoreU(tile[3], d, dst + 3 * int64_t{channels});
  if constexpr (N > 4) hn::StoreU(tile[4], d, dst + 4 * int64_t{channels});
  static_assert(N <= 5);
}

template <class D, int N, class V = hn::Vec<D>>
HWY_INLINE void ZeroTile(D d, V (&tile)[N]) {
  for (V& v : tile) v = hn::Zero(d);
}

template <int K, int S>
struct Kernel {
  static constexpr int kPad = (K - 1) / 2;

  // One tile of output row `oh`. Pointers at the block's first channel: src at
  // the image, dst at the row.
  template <int T, class D>
  static HWY_INLINE void ForwardTile(D d, const ConvShape& s,
                                     const ForwardArgs& at, int oh, int ow) {
    hn::Vec<D> acc[T];
    ZeroTile(d, acc);
    for (int kh = 0; kh < K; ++kh) {
      const int ih = oh * S - kPad + kh;
      if (ih < 0 || ih >= s.h) continue;
      hn::Vec<D> w[K];
      LoadTile(d, at.weights + int64_t{kh} * K * s.c_in, s.c_in, w);
      const RowView row = {at.src + int64_t{ih} * s.w * s.c_in, s.w, s.c_in};
      AddColumns<ForwardColumn<K, S, T>>(d, row, ow, w, acc);
    }
    StoreTile(d, acc, s.c_in, at.dst + int64_t{ow} * s.c_in);
  }

  // Apart, as every function here that would be repeated in its caller: code
  // inlined into one function for all cases takes minutes to compile with
  // sanitizers.
  template <class D>
  static HWY_NOINLINE void ForwardRow(D d, const ConvShape& s,
                                      const ForwardArgs& at, int oh) {
    ForEachTile(s.out_w(), [&](auto t, int ow) FROSTNAS_INLINE {
      ForwardTile<decltype(t)::value>(d, s, at, oh, ow);
    });
  }

  static void ForwardRows(const ConvShape& s, const ForwardArgs& args,
                          const Range& rows) {
    const int64_t image = int64_t{s.h} * s.w * s.c_in;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const float* src = args.src + row / s.out_h() * image;
      float* dst = args.dst + row * s.out_w() * s.c_in;
      const int oh = static_cast<int>(row % s.out_h());
      ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
        ForwardRow(d, s, {src + c, args.weights + c, dst + c}, oh);
      });
    }
  }

  // One tile of diff_src's row `ih`, starting at column `iw`, a multiple of S.
  // Pointers at the block's first channel: diff_dst at the image, diff_src at
  // the row.
  template <int T, class D>
  static HWY_INLINE void BackwardTile(D d, const ConvShape& s,
                                      const BackwardDataArgs& at, int ih,
                                      int iw) {
    hn::Vec<D> acc[T];
    ZeroTile(d, acc);
    for (int kh = (ih + kPad) % S; kh < K; kh += S) {
      const int scaled = ih + kPad - kh;  // oh * S
      if (scaled < 0 || scaled / S >= s.out_h()) continue;
      hn::Vec<D> w[K];
      LoadTile(d, at.weights + int64_t{kh} * K * s.c_in, s.c_in, w);
      const int64_t row_at = int64_t{scaled / S} * s.out_w() * s.c_in;
      const RowView row = {at.diff_dst + row_at, s.out_w(), s.c_in};
      AddColumns<BackwardColumn<K, S, T>>(d, row, iw, w, acc);
    }
    StoreTile(d, acc, s.c_in, at.diff_src + int64_t{iw} * s.c_in);
  }

  template <class D>
  static HWY_NOINLINE void BackwardRow(D d, const ConvShape& s,
                                       const BackwardDataArgs& at, int ih) {
    ForEachTile(s.w, [&](auto t, int iw) FROSTNAS_INLINE {
      BackwardTile<decltype(t)::value>(d, s, at, ih, iw);
    });
  }

  static void BackwardDataRows(const ConvShape& s, const BackwardDataArgs& args,
                               const Range& rows) {
    const int64_t image = int64_t{s.out_h()} * s.out_w() * s.c_in;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const float* diff_dst = args.diff_dst + row / s.h * image;
      float* diff_src = args.diff_src + row * s.w * s.c_in;
      const int ih = static_cast<int>(row % s.h);
      ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
        BackwardRow(d, s, {diff_dst + c, args.weights + c, diff_src + c}, ih);
      });
    }
  }

  // acc[kw] += sum over t of src[(ow + t) * S - P + kw] * diff_dst[ow + t].
  template <int T, class D, class V = hn::Vec<D>>
  static HWY_INLINE void WeightsTile(D d, const RowView& src,
                                     const RowView& diff_dst, int ow,
                                     V (&acc)[K]) {
    V factors[T];
    LoadTile(d, diff_dst.At(ow), diff_dst.channels, factors);
    AddColumns<WeightsColumn<K, S, T>>(d, src, ow, factors, acc);
  }

  // Weights row `kh` of one image and channel block, ADDED to partial.
  template <class D>
  static HWY_NOINLINE void WeightsRow(D d, const ConvShape& s,
                                      const BackwardWeightsArgs& at, int kh) {
    hn::Vec<D> acc[K];
    ZeroTile(d, acc);
    for (int oh = 0; oh < s.out_h(); ++oh) {
      const int ih = oh * S - kPad + kh;
      if (ih < 0 || ih >= s.h) continue;
      const RowView src = {at.src + int64_t{ih} * s.w * s.c_in, s.w, s.c_in};
      const RowView diff_dst = {at.diff_dst + int64_t{oh} * s.out_w() * s.c_in,
                                s.out_w(), s.c_in};
      ForEachTile(s.out_w(), [&](auto t, int ow) FROSTNAS_INLINE {
        WeightsTile<decltype(t)::value>(d, src, diff_dst, ow, acc);
      });
    }
    // Images are summed one by one, so that no sum has too many addends.
    float* partial = at.partial + int64_t{kh} * K * s.c_in;
    hn::Vec<D> sum[K];
    LoadTile(d, partial, s.c_in, sum);
    for (int kw = 0; kw < K; ++kw) sum[kw] = hn::Add(sum[kw], acc[kw]);
    StoreTile(d, sum, s.c_in, partial);
  }

  static void BackwardWeightsImages(const ConvShape& s,
                                    const BackwardWeightsArgs& args,
                                    const Range& images) {
    const int64_t src_image = int64_t{s.h} * s.w * s.c_in;
    const int64_t dst_image = int64_t{s.out_h()} * s.out_w() * s.c_in;
    ForEachChannelBlock(s.c_in, [&](auto d, int c) FROSTNAS_INLINE {
      float* partial = args.partial + c;
      // The last block repeats channels of the one before: start from zero.
      for (int tap = 0; tap < K * K; ++tap) {
        hn::StoreU(hn::Zero(d), d, partial + int64_t{tap} * s.c_in);
      }
      for (int64_t n = images.begin; n < images.end; ++n) {
        const BackwardWeightsArgs at = {args.src + n * src_image + c,
                                        args.diff_dst + n * dst_image + c,
                                        partial};
        for (int kh = 0; kh < K; ++kh) WeightsRow(d, s, at, kh);
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

void ForwardRows(const ConvShape& s, const ForwardArgs& args,
                 const Range& rows) {
  WithKernel(s, [&](auto kernel)
                    FROSTNAS_INLINE { kernel.ForwardRows(s, args, rows); });
}

void BackwardDataRows(const ConvShape& s, const BackwardDataArgs& args,
                      const Range& rows) {
  WithKernel(s, [&](auto kernel) FROSTNAS_INLINE {
    kernel.BackwardDataRows(s, args, rows);
  });
}

void BackwardWeightsImages(const ConvShape& s, const BackwardWeightsArgs& args,
                           const Range& images) {
  WithKernel(s, [&](auto kernel) FROSTNAS_INLINE {
    kernel.BackwardWeightsImages(s, args, images);
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

void ForwardRows(const ConvShape& shape, const ForwardArgs& args,
                 const Range& rows) {
  HWY_DYNAMIC_DISPATCH(ForwardRows)(shape, args, rows);
}

void BackwardDataRows(const ConvShape& shape, const BackwardDataArgs& args,
                      const Range& rows) {
  HWY_DYNAMIC_DISPATCH(BackwardDataRows)(shape, args, rows);
}

void BackwardWeightsImages(const ConvShape& shape,
                           const BackwardWeightsArgs& args,
                           const Range& images) {
  HWY_DYNAMIC_DISPATCH(BackwardWeightsImages)(shape, args, images);
}

}  // namespace frostnas::nn::depthwise
#endif  // HWY_ONCE

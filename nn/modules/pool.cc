#include "nn/modules/pool.h"

#include <algorithm>

#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Windows over the pixels of each image.
struct Windows {
  int height, width;  // of a window
  int stride;
};

Shape PooledShape(const Shape& src, const Windows& windows) {
  return {src.n, (src.h - windows.height) / windows.stride + 1,
          (src.w - windows.width) / windows.stride + 1, src.c};
}

// The largest value of one window, channel by channel. `first` is the index in
// src of the window's first pixel's channel 0.
void PoolWindow(const Tensor& src, const Windows& windows, int64_t first,
                float* dst, int64_t* largest) {
  const int channels = src.shape().c;
  const float* data = src.data();
  std::copy_n(data + first, channels, dst);
  for (int c = 0; c < channels; ++c) largest[c] = first + c;
  for (int y = 0; y < windows.height; ++y) {
    for (int x = 0; x < windows.width; ++x) {
      const int64_t at = first + (int64_t{y} * src.shape().w + x) * channels;
      for (int c = 0; c < channels; ++c) {
        if (data[at + c] > dst[c]) {
          dst[c] = data[at + c];
          largest[c] = at + c;
        }
      }
    }
  }
}

void MaxForward(const Tensor& src, const Windows& windows, Tensor& dst,
                std::vector<int64_t>& largest) {
  const Shape& in = src.shape();
  const Shape out = PooledShape(in, windows);
  dst.Resize(out);
  largest.resize(static_cast<size_t>(out.elements()));
  ParallelFor(out.rows(), 64, [&](const Part& part) {
    for (int64_t row = part.begin; row < part.end; ++row) {
      const int64_t n = row / (int64_t{out.h} * out.w);
      const int64_t oh = row / out.w % out.h;
      const int64_t ow = row % out.w;
      const int64_t pixel =
          (n * in.h + oh * windows.stride) * in.w + ow * windows.stride;
      PoolWindow(src, windows, pixel * in.c, dst.data() + row * in.c,
                 largest.data() + row * in.c);
    }
  });
}

void MaxBackward(const Tensor& src, const Tensor& diff_dst,
                 const std::vector<int64_t>& largest, Tensor& diff_src) {
  diff_src.Resize(src.shape());
  diff_src.Zero();
  for (int64_t i = 0; i < diff_dst.elements(); ++i) {
    diff_src.data()[largest[i]] += diff_dst.data()[i];
  }
}

}  // namespace

void MaxPool::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  MaxForward(*src[0], {kernel_, kernel_, stride_}, dst, largest_);
}

void MaxPool::Backward(Sources src, Tensor& diff_dst,
                       absl::Span<Tensor* const> diff_src) {
  if (diff_src[0] == nullptr) return;
  MaxBackward(*src[0], diff_dst, largest_, *diff_src[0]);
}

void GlobalMaxPool::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  const Shape& in = src[0]->shape();
  MaxForward(*src[0], {in.h, in.w, 1}, dst, largest_);
}

void GlobalMaxPool::Backward(Sources src, Tensor& diff_dst,
                             absl::Span<Tensor* const> diff_src) {
  if (diff_src[0] == nullptr) return;
  MaxBackward(*src[0], diff_dst, largest_, *diff_src[0]);
}

void GlobalAveragePool::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  const Shape& in = src[0]->shape();
  const int64_t pixels = int64_t{in.h} * in.w;
  const float scale = 1.0f / static_cast<float>(pixels);
  dst.Resize({in.n, 1, 1, in.c});
  ParallelFor(in.n, 1, [&](const Part& part) {
    for (int64_t n = part.begin; n < part.end; ++n) {
      const float* from = src[0]->data() + n * pixels * in.c;
      float* to = dst.data() + n * in.c;
      std::fill_n(to, in.c, 0.0f);
      for (int64_t pixel = 0; pixel < pixels; ++pixel, from += in.c) {
        for (int c = 0; c < in.c; ++c) to[c] += from[c];
      }
      for (int c = 0; c < in.c; ++c) to[c] *= scale;
    }
  });
}

void GlobalAveragePool::Backward(Sources src, Tensor& diff_dst,
                                 absl::Span<Tensor* const> diff_src) {
  if (diff_src[0] == nullptr) return;
  const Shape& in = src[0]->shape();
  const int64_t pixels = int64_t{in.h} * in.w;
  const float scale = 1.0f / static_cast<float>(pixels);
  diff_src[0]->Resize(in);
  ParallelFor(in.n, 1, [&](const Part& part) {
    for (int64_t n = part.begin; n < part.end; ++n) {
      const float* from = diff_dst.data() + n * in.c;
      float* to = diff_src[0]->data() + n * pixels * in.c;
      for (int64_t pixel = 0; pixel < pixels; ++pixel, to += in.c) {
        for (int c = 0; c < in.c; ++c) to[c] = from[c] * scale;
      }
    }
  });
}

}  // namespace frostnas::nn

// What a matrix kernel multiplies: matrices in memory, and those that exist only as a rule for finding their elements
// in an image or a filter. A kernel asks for the place of a row, the place of a column, and then for the element at
// both: whatever needs divisions is done once per row or column. Outside of the matrix, and where a window hangs over
// the edge of its image, there is no element (nullptr) and the value is zero.
#pragma once

#include <climits>

#include "gemm/indices.cuh"

namespace tfmini::cuda {

template <class T>
struct DenseMatrix {
  using Element = T;
  struct Row {
    int64_t offset;
  };
  struct Col {
    int64_t offset;
  };

  const T* data = nullptr;
  int rows = 0, cols = 0;
  int64_t ld = 0;  // elements from a row to the next one

  TFMINI_ALWAYS_INLINE Row row(int r) const { return {r < rows ? r * ld : -1}; }
  TFMINI_ALWAYS_INLINE Col col(int c) const { return {c < cols ? c : -1}; }
  TFMINI_ALWAYS_INLINE const T* at(Row r, Col c) const {
    return (r.offset | c.offset) < 0 ? nullptr : data + r.offset + c.offset;
  }
  // Units of `n` elements lie within the matrix or outside of it, at addresses that are multiples of their size.
  bool aligned(int n) const {
    return ld % n == 0 && cols % n == 0 && reinterpret_cast<uintptr_t>(data) % (n * sizeof(T)) == 0;
  }
};

// One axis of a window's taps: output o reads input o * scale + tap * step + origin.
struct PatchAxis {
  int size = 1;  // of the input
  int out = 1, taps = 1;
  int scale = 1, step = 1, origin = 0;
};

// The matrix a convolution multiplies: a row per output pixel, a column per tap and channel. Also that of the
// gradient with respect to the input, in which the image is the output's gradient.
template <class T>
struct Patches {
  using Element = T;
  struct Row {
    int64_t image;
    int h, w;
  };
  struct Col {
    int h, w, channel;
  };
  static constexpr int kNowhere = -(1 << 30);  // no sum with a tap's offset is inside an image

  const T* data = nullptr;
  int rows = 0, cols = 0;
  PatchAxis h, w;
  FastDiv out_h, out_w, taps_w, channels;  // channels of a group
  int64_t image = 0, line = 0, pixel = 0;  // elements from one to the next

  Patches() = default;
  Patches(const T* pixels, int batch, const PatchAxis& y, const PatchAxis& x, int group_channels, int all_channels)
      : data(pixels),
        rows(batch * y.out * x.out),
        cols(y.taps * x.taps * group_channels),
        h(y),
        w(x),
        out_h(y.out > 0 ? y.out : 1),
        out_w(x.out > 0 ? x.out : 1),
        taps_w(x.taps > 0 ? x.taps : 1),
        channels(group_channels > 0 ? group_channels : 1),
        image(int64_t{y.size} * x.size * all_channels),
        line(int64_t{x.size} * all_channels),
        pixel(all_channels) {}

  TFMINI_ALWAYS_INLINE Row row(int r) const {
    if (r >= rows) return {0, kNowhere, kNowhere};
    const int y = out_w.divide(r), n = out_h.divide(y);
    return {n * image, (y - n * out_h.divisor()) * h.scale + h.origin, (r - y * out_w.divisor()) * w.scale + w.origin};
  }
  TFMINI_ALWAYS_INLINE Col col(int c) const {
    if (c >= cols) return {kNowhere, kNowhere, 0};
    const int tap = channels.divide(c), y = taps_w.divide(tap);
    return {y * h.step, (tap - y * taps_w.divisor()) * w.step, c - tap * channels.divisor()};
  }
  TFMINI_ALWAYS_INLINE const T* at(Row r, Col c) const {
    // Unsigned: negative coordinates are beyond the size, too.
    const unsigned y = static_cast<unsigned>(r.h + c.h), x = static_cast<unsigned>(r.w + c.w);
    if (y >= static_cast<unsigned>(h.size) || x >= static_cast<unsigned>(w.size)) return nullptr;
    return data + r.image + y * line + x * pixel + c.channel;
  }
  bool aligned(int n) const {
    return pixel % n == 0 && channels.divisor() % n == 0 && reinterpret_cast<uintptr_t>(data) % (n * sizeof(T)) == 0;
  }
};

// A filter [height, width, in, out] as the gradient of the input multiplies it: a row per input channel, a column
// per tap and output channel, in which every `step`-th tap counts.
template <class T>
struct FilterTaps {
  using Element = T;
  using Row = typename DenseMatrix<T>::Row;
  using Col = typename DenseMatrix<T>::Col;

  const T* data = nullptr;  // at the first tap that counts
  int rows = 0, cols = 0;
  FastDiv channels, taps_w;
  int64_t row_stride = 0, tap_h = 0, tap_w = 0;

  TFMINI_ALWAYS_INLINE Row row(int r) const { return {r < rows ? r * row_stride : -1}; }
  TFMINI_ALWAYS_INLINE Col col(int c) const {
    if (c >= cols) return {-1};
    const int tap = channels.divide(c), y = taps_w.divide(tap);
    return {y * tap_h + (tap - y * taps_w.divisor()) * tap_w + (c - tap * channels.divisor())};
  }
  TFMINI_ALWAYS_INLINE const T* at(Row r, Col c) const {
    return (r.offset | c.offset) < 0 ? nullptr : data + r.offset + c.offset;
  }
  bool aligned(int n) const {
    return row_stride % n == 0 && channels.divisor() % n == 0 &&
           reinterpret_cast<uintptr_t>(data) % (n * sizeof(T)) == 0;
  }
};

}  // namespace tfmini::cuda

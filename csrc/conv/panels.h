// Destination channels in panels of whole vectors, and the packing of a filter into them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "simd/transpose.h"

namespace tfmini::conv {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `cols` channels in as few panels as `max_vectors` allow, as even as possible.
struct Panels {
  int64_t lanes, vectors, cols, count;
  Panels(int64_t n, int lanes_, int max_vectors) : lanes(lanes_), cols(n) {
    const int64_t all = ceil_div(n, lanes);
    count = ceil_div(all, max_vectors);
    vectors = ceil_div(all, count);
    count = ceil_div(all, vectors);
  }
  int64_t width() const { return lanes * vectors; }
  int64_t width_of(int64_t p) const { return std::min(width(), cols - p * width()); }
};

// A matrix [sources, cols] of any strides into rows of `width` >= cols, padded with zeros; column d
// times scale[d], unless scale is null.
template <class T>
void pack_matrix(const T* from, int64_t source_stride, int64_t dest_stride, int64_t sources, int64_t cols,
                 int64_t width, const T* scale, T* to) {
  if (dest_stride == 1) {
    for (int64_t s = 0; s < sources; ++s) std::copy_n(from + s * source_stride, cols, to + s * width);
  } else if (source_stride == 1) {
    simd::transpose(from, dest_stride, to, width, sources, cols);
  } else {
    for (int64_t s = 0; s < sources; ++s)
      for (int64_t d = 0; d < cols; ++d) to[s * width + d] = from[d * dest_stride + s * source_stride];
  }
  for (int64_t s = 0; s < sources && (scale || cols < width); ++s) {
    if (scale)
      for (int64_t d = 0; d < cols; ++d) to[s * width + d] *= scale[d];
    std::fill(to + s * width + cols, to + (s + 1) * width, T(0));
  }
}

namespace detail {
template <int kCols, class T>
void copy_columns(const T* from, int64_t step, int64_t rows, T* to, int64_t width) {
  for (int64_t r = 0; r < rows; ++r) std::memcpy(to + r * width, from + r * step, kCols * sizeof(T));
}
}  // namespace detail

// `cols` columns of rows `step` apart, into rows of `width` >= cols. Copies of the lengths that register
// tiles have are inlined: calls would take longer than they do.
template <class T>
void copy_columns(const T* from, int64_t step, int64_t rows, int64_t cols, T* to, int64_t width) {
  switch (cols) {
#define TFMINI_COLUMNS(n) \
  case n:                 \
    return detail::copy_columns<n>(from, step, rows, to, width);
    TFMINI_COLUMNS(2)
    TFMINI_COLUMNS(4)
    TFMINI_COLUMNS(5)
    TFMINI_COLUMNS(6)
    TFMINI_COLUMNS(7)
    TFMINI_COLUMNS(8)
    TFMINI_COLUMNS(16)
    TFMINI_COLUMNS(32)
    TFMINI_COLUMNS(48)
    TFMINI_COLUMNS(64)
#undef TFMINI_COLUMNS
    default:
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c) to[r * width + c] = from[r * step + c];
  }
}

}  // namespace tfmini::conv

// Copies of parts of an image with its padding made explicit, so that the inner loops never meet
// a border.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tfmini::conv {

// One image of a batch: channels innermost (NHWC) or outermost (NCHW).
template <class T>
struct Image {
  const T* data;
  int64_t height, width, channels;
  bool nchw;
};

// The rectangle of an image that starts at (y, x), which may lie outside of it.
struct Rect {
  int64_t y, x, height, width;
};

// dst[height][width][channels] = the rectangle, zero outside the image.
template <class T>
void load_band(const Image<T>& src, const Rect& rect, T* dst) {
  const int64_t c = src.channels;
  const int64_t row_elements = rect.width * c;
  const int64_t left = std::clamp<int64_t>(-rect.x, 0, rect.width);
  const int64_t right = std::clamp<int64_t>(src.width - rect.x, left, rect.width);  // first column past the image
  for (int64_t i = 0; i < rect.height; ++i) {
    const int64_t y = rect.y + i;
    T* row = dst + i * row_elements;
    if (y < 0 || y >= src.height || left == right) {
      std::fill_n(row, row_elements, T(0));
      continue;
    }
    std::fill_n(row, left * c, T(0));
    std::fill_n(row + right * c, (rect.width - right) * c, T(0));
    const int64_t x = rect.x + left;
    if (!src.nchw) {
      std::copy_n(src.data + (y * src.width + x) * c, (right - left) * c, row + left * c);
      continue;
    }
    // Transposed in blocks of columns, whose cache lines stay at hand over all channels.
    constexpr int64_t kBlock = 16;
    for (int64_t b = left; b < right; b += kBlock) {
      const int64_t n = std::min(kBlock, right - b);
      for (int64_t ch = 0; ch < c; ++ch) {
        const T* from = src.data + (ch * src.height + y) * src.width + rect.x + b;
        for (int64_t j = 0; j < n; ++j) row[(b + j) * c + ch] = from[j];
      }
    }
  }
}

// Channels outermost: element (pixel, ch) of src[pixels][channels] goes to dst[ch * plane + at(pixel)].
template <class T, class At>
void store_planes(const T* src, int64_t pixels, int64_t channels, T* dst, int64_t plane, const At& at) {
  constexpr int64_t kBlock = 16;
  for (int64_t b = 0; b < pixels; b += kBlock) {
    const int64_t n = std::min(kBlock, pixels - b);
    for (int64_t ch = 0; ch < channels; ++ch)
      for (int64_t j = 0; j < n; ++j) dst[ch * plane + at(b + j)] = src[(b + j) * channels + ch];
  }
}

// A whole image.
template <class T>
void store_planes(const T* src, int64_t pixels, int64_t channels, T* dst) {
  store_planes(src, pixels, channels, dst, pixels, [](int64_t p) { return p; });
}

}  // namespace tfmini::conv

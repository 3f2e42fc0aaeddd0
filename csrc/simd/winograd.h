// The transforms of Winograd's minimal filtering: along an axis, F(m, r) makes m outputs of a filter of r taps
// from n = m + r - 1 inputs by n products per channel pair instead of m * r. Here are F(4, 3), F(2, 5) and
// F(2, 7), on one axis or, but for the last, on both.
//
// Interpolation points of n = 6 are 0, +-sqrt(1/2), +-sqrt(2) and infinity: with them rounding errors of
// F(4x4, 3x3) stay within about twice those of the direct sum (the usual 0, +-1, +-2 cost five times as much).
// Those of n = 8 are 0, +-1/2, +-1, +-2 and infinity.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

struct WinogradScheme {
  int taps_h, taps_w;
  int out_h, out_w;  // of a tile
  int in_h, in_w;    // inputs it reads, as many as products per channel pair

  // u[point * point_stride + i] from the taps w[tap * tap_stride + i], i < n.
  void (*filter)(const float* w, int64_t tap_stride, float* u, int64_t point_stride, int64_t n);
  // v[point * point_stride + c] from x[y * row + x * col + c].
  void (*input)(const float* x, int64_t row, int64_t col, float* v, int64_t point_stride, int64_t channels);
  // out[y * row + x * col + c] from m[point * point_stride + c].
  void (*output)(const float* m, int64_t point_stride, float* out, int64_t row, int64_t col, int64_t channels);

  // For gradients of filters, the transposes of `output` and of `filter`:
  // m[point * point_stride + c] from g[y * row + x * col + c],
  void (*spread)(const float* g, int64_t row, int64_t col, float* m, int64_t point_stride, int64_t channels);
  // the taps w[tap * tap_stride + i], i < n, from u[point * point_stride + i].
  void (*gather)(const float* u, int64_t point_stride, float* w, int64_t tap_stride, int64_t n);

  int points() const { return in_h * in_w; }
};

constexpr int kWinogradMaxOutputs = 16;  // of a tile

struct WinogradTable {
  WinogradScheme schemes[6];
};

TFMINI_SIMD_TABLE(WinogradTable, winograd_table)

}  // namespace tfmini::simd

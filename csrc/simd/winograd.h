// The transforms of Winograd's minimal filtering F(4x4, 3x3): a tile of 4 x 4 outputs from 6 x 6
// inputs by 36 products per channel pair instead of 144.
//
// Interpolation points 0, +-sqrt(1/2), +-sqrt(2) and infinity: with them rounding errors stay within
// about twice those of the direct sum (the usual 0, +-1, +-2 cost five times as much).
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

constexpr int kWinogradOut = 4;      // outputs of a tile, per axis
constexpr int kWinogradIn = 6;       // inputs it reads
constexpr int kWinogradPoints = 36;  // products per channel pair

struct WinogradTable {
  // u[point * point_stride + i] from the nine taps w[tap * tap_stride + i], i < n.
  void (*filter)(const float* w, int64_t tap_stride, float* u, int64_t point_stride, int64_t n);
  // v[point * point_stride + c] from x[y * row + x * col + c], y and x < 6.
  void (*input)(const float* x, int64_t row, int64_t col, float* v, int64_t point_stride, int64_t channels);
  // out[y * row + x * col + c], y and x < 4, from m[point * point_stride + c].
  void (*output)(const float* m, int64_t point_stride, float* out, int64_t row, int64_t col, int64_t channels);
};

TFMINI_SIMD_TABLE(WinogradTable, winograd_table)

}  // namespace tfmini::simd

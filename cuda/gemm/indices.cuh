// Index arithmetic of the matrix kernels: plain functions of numbers, the same on the host, where they are tested.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace tfmini::cuda {

TFMINI_ALWAYS_INLINE constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Division by a number that is known when a kernel is launched: a product and a shift instead of some twenty
// instructions. Exact for 0 <= n < 2^31.
class FastDiv {
 public:
  FastDiv() : FastDiv(1) {}
  explicit FastDiv(int divisor) : divisor_(static_cast<uint32_t>(divisor)) {
    while ((uint64_t{1} << shift_) < divisor_) ++shift_;
    const uint64_t excess = (uint64_t{1} << shift_) - divisor_;
    multiplier_ = static_cast<uint32_t>((excess << 32) / divisor_ + 1);
  }
  TFMINI_ALWAYS_INLINE int divide(int n) const {
    const uint32_t u = static_cast<uint32_t>(n);
    // The high half of the product is at most n, so that the sum stays below 2^32.
    const uint32_t high = static_cast<uint32_t>((uint64_t{u} * multiplier_) >> 32);
    return static_cast<int>((high + u) >> shift_);
  }
  TFMINI_ALWAYS_INLINE int divisor() const { return static_cast<int>(divisor_); }

 private:
  uint32_t divisor_, multiplier_ = 1, shift_ = 0;
};

// Which tile of which product a block works on. Tiles of up to kGroup rows of tiles are taken column by column,
// so that the blocks that run together share rows of A and columns of B in the second-level cache.
struct TileOrder {
  static constexpr int kGroup = 8;
  int rows = 1, cols = 1;  // tiles of one product

  struct Tile {
    int row, col;
    int product;  // which matrix of the batch, and which part of its k
  };
  TFMINI_ALWAYS_INLINE Tile at(int64_t index) const {
    const int per_product = rows * cols;
    const int product = static_cast<int>(index / per_product);
    const int i = static_cast<int>(index - int64_t{product} * per_product);
    const int group = i / (kGroup * cols), inside = i - group * kGroup * cols;
    const int left = rows - group * kGroup, height = left < kGroup ? left : kGroup;
    return {group * kGroup + inside % height, inside / height, product};
  }
};

// Rows of the output in memory: `ld` elements apart, or, for the gradient of a strided convolution, every
// `step`-th pixel of every `step`-th line of an image.
struct OutputRows {
  int64_t ld = 0;
  bool pixels = false;
  FastDiv width, height;  // pixels of a line, lines of an image, that are written
  int64_t first = 0, image = 0, line = 0, pixel = 0;

  TFMINI_ALWAYS_INLINE int64_t offset(int row) const {
    if (!pixels) return row * ld;
    const int y = width.divide(row), x = row - y * width.divisor();
    const int n = height.divide(y);
    return first + n * image + (y - n * height.divisor()) * line + x * pixel;
  }
};

// --- shared memory -----------------------------------------------------------------------------
// A tile lies in shared memory as it does in global memory, row by row, in units of 16 bytes. Within a row the
// units are permuted, so that the eight units one load instruction takes from eight rows lie in all 32 banks.
// These return the unit's place in its row.

// Rows of four units along k, read by ldmatrix: two rows fill the banks once.
TFMINI_ALWAYS_INLINE constexpr int swizzle_k(int row, int unit) { return unit ^ ((row >> 1) & 3); }
// Rows (of one k) of eight or more units, read by ldmatrix.trans.
TFMINI_ALWAYS_INLINE constexpr int swizzle_outer16(int row, int unit) { return unit ^ (row & 7); }
// The same with 4-byte elements, which four threads of a quad read from four rows, eight elements (two units) each.
TFMINI_ALWAYS_INLINE constexpr int swizzle_outer32(int row, int unit) { return unit ^ ((row & 3) << 1); }
// What the copy engine and wgmma call the 128-byte swizzle: rows of eight units.
TFMINI_ALWAYS_INLINE constexpr int swizzle_128b(int row, int unit) { return unit ^ (row & 7); }

}  // namespace tfmini::cuda

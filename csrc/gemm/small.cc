#include "gemm/small.h"

#include <algorithm>

#include "gemm/blocks.h"
#include "gemm/operands.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

constexpr int64_t kFirstLevelBytes = 32 << 10;

// How the next columns of C are computed: a tile may have one, two or three vectors of columns, for a single one that
// is left over would keep the adders waiting.
template <class T>
struct Strip {
  const simd::GemmFn<T>* tiles;  // by rows
  RowPanels rows;
  int cols, width;  // to write; those of a packed panel
  bool in_place;    // B is read where it lies
  bool copy_b;      // the first tile copies what it reads of B for the others

  // `left`: columns; `far`: they are not in the first-level cache.
  Strip(const simd::GemmKernels<T>& kernel, int64_t m, int64_t left, const MatrixRef<T>& a, const MatrixRef<T>& b,
        bool far)
      : rows(m, tile_rows(kernel, left)) {
    const bool edges = kernel.edge[0], narrow = left <= kernel.cols / 2;
    const bool wide = left > kernel.cols && left <= kernel.cols * 3 / 2;
    width = wide ? kernel.cols * 3 / 2 : kernel.cols;
    cols = static_cast<int>(std::min<int64_t>(width, left));
    const bool whole = cols == kernel.cols;
    tiles = wide                ? kernel.wide
            : narrow            ? kernel.narrow
            : !whole && edges   ? kernel.edge
            : a.col_stride == 1 ? kernel.row_major
                                : kernel.any;
    in_place = b.col_stride == 1 && (whole || edges);
    // Loads that cross lines are paid for in the second-level cache: two tiles are worth a copy, and three in any case.
    const bool aligned = b.row_stride % (kernel.cols / 2) == 0;
    copy_b = far && in_place && whole && rows.count > (aligned ? 2 : 1);
  }

  static int64_t tile_rows(const simd::GemmKernels<T>& kernel, int64_t left) {
    if (left <= kernel.cols / 2) return kernel.narrow_rows;
    return left > kernel.cols && left <= kernel.cols * 3 / 2 ? kernel.wide_rows : kernel.rows;
  }
};

}  // namespace

template <class T>
void gemm_small(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t ldc,
                const GemmEpilogue<T>& epilogue) {
  const auto& kernel = gemm_kernels<T>();
  const int64_t depth = std::min(k, gemm_blocks(best_isa(), sizeof(T)).depth);
  const bool far = n * depth > kFirstLevelBytes / int64_t{sizeof(T)};
  alignas(64) T b_room[kWidePanelBytes / sizeof(T)];
  simd::GemmTile<T> tile;  // its fields are set one by one: to clear it first would be felt
  tile.ldc = ldc;
  tile.a_copy = nullptr;
  tile.b_copy = b_room;
  tile.a_row = a.row_stride;
  tile.a_step = a.col_stride;
  for (int64_t p = 0; p < k; p += depth) {
    tile.k = std::min(depth, k - p);
    tile.accumulate = epilogue.accumulate || p > 0;
    const bool last_block = p + depth >= k;
    const T* const bias = last_block ? epilogue.bias : nullptr;
    const T* const add = last_block ? epilogue.add : nullptr;
    tile.relu = epilogue.relu && last_block;
    Strip<T> strip(kernel, m, n, a, b, far);
    for (int64_t j = 0; j < n; j += strip.cols) {
      if (j > 0 && n - j <= kernel.cols * 3 / 2) strip = Strip<T>(kernel, m, n - j, a, b, far);
      tile.cols = strip.cols;
      tile.bias = bias ? bias + j : nullptr;
      tile.b = b.at(p, j);
      tile.b_step = b.row_stride;
      if (!strip.in_place) {
        const auto& pack = gemm_packers<T, T>();
        (strip.width > kernel.cols ? pack.b_wide : pack.b)(tile.b, b.col_stride, b.row_stride, tile.cols, tile.k,
                                                           b_room);
        tile.b = b_room;
        tile.b_step = strip.width;
      }
      int64_t row = 0;
      const auto run = [&](simd::GemmFn<T> fn, int64_t rows) {
        tile.a = a.at(row, p);
        tile.c = c + row * ldc + j;
        tile.add = add ? add + (tile.c - c) : nullptr;
        fn(tile);
        row += rows;
      };
      if (strip.copy_b) {
        run(kernel.copying_b[strip.rows.rows(0) - 1], strip.rows.rows(0));
        tile.b = b_room;
        tile.b_step = kernel.cols;
      }
      for (int64_t q = strip.copy_b; q < strip.rows.count; ++q)
        run(strip.tiles[strip.rows.rows(q) - 1], strip.rows.rows(q));
    }
  }
}

template <class T>
bool few_columns(int64_t n) {
  return n <= gemm_kernels<T>().cols * 3 / 2;
}

template bool few_columns<float>(int64_t);
template bool few_columns<double>(int64_t);
template void gemm_small(int64_t, int64_t, int64_t, const MatrixRef<float>&, const MatrixRef<float>&, float*, int64_t,
                         const GemmEpilogue<float>&);
template void gemm_small(int64_t, int64_t, int64_t, const MatrixRef<double>&, const MatrixRef<double>&, double*,
                         int64_t, const GemmEpilogue<double>&);

}  // namespace tfmini

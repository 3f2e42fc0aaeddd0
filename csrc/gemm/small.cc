#include "gemm/small.h"

#include <algorithm>

#include "gemm/blocks.h"
#include "gemm/operands.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

constexpr int64_t kFirstLevelBytes = 32 << 10;

}  // namespace

template <class T>
void gemm_small(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t ldc,
                const GemmEpilogue<T>& epilogue) {
  const auto& kernel = gemm_kernels<T>();
  const RowPanels rows(m, kernel.rows);
  const int64_t depth = gemm_blocks(best_isa(), sizeof(T)).depth;
  alignas(64) T b_room[kPanelBytes / sizeof(T)];
  simd::GemmTile<T> tile{};
  tile.ldc = ldc;
  tile.b_copy = b_room;
  tile.a_row = a.row_stride;
  tile.a_step = a.col_stride;
  for (int64_t p = 0; p < k; p += depth) {
    tile.k = std::min(depth, k - p);
    tile.accumulate = epilogue.accumulate || p > 0;
    const bool last_block = p + depth >= k;
    tile.relu = epilogue.relu && last_block;
    for (int64_t j = 0; j < n; j += kernel.cols) {
      tile.cols = static_cast<int>(std::min<int64_t>(kernel.cols, n - j));
      tile.bias = epilogue.bias && last_block ? epilogue.bias + j : nullptr;
      const bool whole = tile.cols == kernel.cols, edges = kernel.edge[0];
      const bool in_place = b.col_stride == 1 && (whole || edges);
      const simd::GemmFn<T>* const fn = tile.cols * 2 <= kernel.cols ? kernel.narrow
                                        : edges && !whole            ? kernel.edge
                                        : a.col_stride == 1          ? kernel.row_major
                                                                     : kernel.any;
      tile.b = b.at(p, j);
      tile.b_step = b.row_stride;
      if (!in_place) {
        gemm_packers<T, T>().b(tile.b, b.col_stride, b.row_stride, tile.cols, tile.k, b_room);
        tile.b = b_room;
        tile.b_step = kernel.cols;
      }
      // Loads that cross lines are paid for in the second-level cache: three panels are worth a copy.
      const bool copy_b = in_place && whole && rows.count >= 3 && n * tile.k > kFirstLevelBytes / int64_t{sizeof(T)};
      for (int64_t q = 0; q < rows.count; ++q) {
        tile.a = a.at(rows.first(q), p);
        tile.c = c + rows.first(q) * ldc + j;
        tile.add = epilogue.add && last_block ? epilogue.add + (tile.c - c) : nullptr;
        if (copy_b && q == 0) {
          kernel.copying_b[rows.rows(q) - 1](tile);
          tile.b = b_room;
          tile.b_step = kernel.cols;
        } else {
          fn[rows.rows(q) - 1](tile);
        }
      }
    }
  }
}

template void gemm_small(int64_t, int64_t, int64_t, MatrixRef<float>, MatrixRef<float>, float*, int64_t,
                         const GemmEpilogue<float>&);
template void gemm_small(int64_t, int64_t, int64_t, MatrixRef<double>, MatrixRef<double>, double*, int64_t,
                         const GemmEpilogue<double>&);

}  // namespace tfmini

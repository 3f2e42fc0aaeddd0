// The driver of the GEMM: C = A B in tasks, rectangles of C that threads take dynamically. Within one,
//
//   for each block of k       its part of A fits the second-level cache
//     for each panel of B     stays in the first-level cache
//       for each panel of A   the micro-kernel: a register tile of C
//
// Operands reach the micro-kernel in the cheapest way:
//
//   A   where it lies, if there are too few columns to pay for a copy; else packed for all tasks together
//   B   packed for all tasks together if more than one row of tasks needs it, 1000 or so rows and columns
//       at a time, which costs about 1 % of the arithmetic; else each task packs a panel into the
//       first-level cache right before it is used
#include "gemm/gemm.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "gemm/blocks.h"
#include "gemm/operands.h"
#include "gemm/thin.h"

namespace tfmini {
namespace {

// Smaller tasks than this many multiply-adds (~10 us) are not worth a hand-over.
constexpr int64_t kMinTask = 1 << 19;
// Bytes to pack per chunk: packing runs at cache speed.
constexpr int64_t kPackChunk = 64 << 10;
// So many panels of columns use an element of A too seldom to pay for packing it.
constexpr int64_t kFewColumnPanels = 4;
// So few multiply-adds (~1 us) are done before much could be planned.
constexpr int64_t kSmallWork = 1 << 16;
// Room for a panel of B of any instruction set: 384 steps of 32 floats.
constexpr int64_t kPanelBytes = 48 << 10;

// A part of A: packed panels, or rows in place.
template <class T>
struct LeftOperand {
  RowPanels rows;
  PackedPanels<T> packed;
  MatrixRef<T> in_place;

  void set(simd::GemmTile<T>& tile, int64_t q, int64_t p) const {
    if (packed.data) {
      tile.a = packed.at(q, p);
      tile.a_row = 1;
      tile.a_step = packed.width;
    } else {
      tile.a = in_place.at(rows.first(q), p);
      tile.a_row = in_place.row_stride;
      tile.a_step = in_place.col_stride;
    }
  }
};

// A part of B: packed panels from `first_panel` and `first_step` on, or a matrix of which the task packs
// a panel when it comes to it.
template <class S, class T>
struct RightOperand {
  PackedPanels<T> packed;
  int64_t first_panel = 0, first_step = 0;
  MatrixRef<S> matrix{};

  // Points the tile to a panel. True: to the matrix itself; the first kernel should copy it to `room`.
  bool set(simd::GemmTile<T>& tile, int64_t panel, int64_t p, T* room) const {
    tile.b_step = packed.width;
    if (packed.data) {
      tile.b = packed.at(first_panel + panel, first_step + p);
      return false;
    }
    if constexpr (std::is_same_v<S, T>)
      if (matrix.col_stride == 1 && tile.cols == packed.width) {
        tile.b = matrix.at(p, panel * packed.width);
        tile.b_step = matrix.row_stride;
        return true;
      }
    gemm_packers<S, T>().b(matrix.at(p, panel * packed.width), matrix.col_stride, matrix.row_stride, tile.cols, tile.k,
                           room);
    tile.b = room;
    return false;
  }
};

// Brings the next panel of B into the second-level cache, a share before each of `calls` micro-kernels.
template <class T>
class Ahead {
 public:
  Ahead(const simd::GemmTile<T>& tile, int cols, int64_t calls) : at_(tile.b + cols), step_(tile.b_step) {
    int64_t lines = tile.k;
    if (tile.b_step == cols) {  // packed: the next panel follows
      at_ = tile.b + cols * tile.k;
      step_ = 64 / sizeof(T);
      lines = cols * tile.k / step_;
    }
    share_ = calls > 0 ? ceil_div(lines, calls) : 0;
  }
  void fetch() {
    for (int64_t i = 0; i < share_; ++i, at_ += step_) __builtin_prefetch(at_, 0, 2);
  }

 private:
  const T* at_;
  int64_t step_, share_;
};

// Panels of rows and columns per task.
struct TaskShape {
  int64_t rows, cols;
  // `whole`: tasks had better span all rows.
  TaskShape(int64_t row_panels, int64_t col_panels, int64_t tile_work, const GemmBlocks& blocks, int tile_rows,
            int tile_cols, bool whole)
      : rows(whole ? row_panels : even_block(row_panels, blocks.rows / tile_rows, 1)),
        cols(even_block(col_panels, blocks.cols / tile_cols, 1)) {
    const int threads = max_threads();
    if (threads == 1) return;
    while (ceil_div(row_panels, rows) * ceil_div(col_panels, cols) < 4 * threads &&
           rows * cols * tile_work >= 2 * kMinTask) {
      int64_t& longer = cols > 1 && (whole || cols * tile_cols > rows * tile_rows) ? cols : rows;
      if (longer == 1) break;
      longer = ceil_div(longer, 2);
    }
  }
};

// Panels [q0, q1) of rows and [j0, j1) of columns.
struct Task {
  int64_t q0, q1, j0, j1;
};

template <class S, class T>
void run_task(const Task& task, int64_t n, int64_t k, const LeftOperand<T>& a, const RightOperand<S, T>& b, T* c,
              int64_t ldc, const GemmEpilogue<T>& epilogue, int64_t depth) {
  const auto& kernel = gemm_kernels<T>();
  alignas(64) T room[kPanelBytes / sizeof(T)];
  simd::GemmTile<T> tile{};
  tile.ldc = ldc;
  tile.b_copy = room;
  for (int64_t p = 0; p < k; p += depth) {
    tile.k = std::min(depth, k - p);
    tile.accumulate = epilogue.accumulate || p > 0;
    const bool last_block = p + depth >= k;
    tile.relu = epilogue.relu && last_block;
    for (int64_t j = task.j0; j < task.j1; ++j) {
      tile.cols = static_cast<int>(std::min<int64_t>(kernel.cols, n - j * kernel.cols));
      tile.bias = epilogue.bias && last_block ? epilogue.bias + j * kernel.cols : nullptr;
      const bool copy = b.set(tile, j, p, room) && task.q1 - task.q0 > 1;
      const auto* row_kernels = tile.cols * 2 <= kernel.cols ? kernel.narrow : kernel.kernel;
      if (copy) row_kernels = kernel.copying;
      Ahead<T> ahead(tile, kernel.cols, j + 1 < task.j1 ? task.q1 - task.q0 : 0);
      for (int64_t q = task.q0; q < task.q1; ++q) {
        ahead.fetch();
        a.set(tile, q, p);
        tile.c = c + a.rows.first(q) * ldc + j * kernel.cols;
        row_kernels[a.rows.rows(q) - 1](tile);
        if (copy && q == task.q0) {
          tile.b = room;
          tile.b_step = kernel.cols;
          row_kernels = kernel.kernel;
        }
      }
    }
  }
}

template <class S, class T>
void multiply(int64_t n, int64_t k, const LeftOperand<T>& a, const RightOperand<S, T>& b, T* c, int64_t ldc,
              const GemmEpilogue<T>& epilogue, const GemmBlocks& blocks, int64_t depth) {
  const auto& kernel = gemm_kernels<T>();
  const int64_t col_panels = ceil_div(n, kernel.cols);
  const TaskShape shape(a.rows.count, col_panels, kernel.rows * kernel.cols * k, blocks, kernel.rows, kernel.cols,
                        !b.packed.data);
  const int64_t across = ceil_div(col_panels, shape.cols);
  parallel_for(ceil_div(a.rows.count, shape.rows) * across, 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const int64_t q = t / across * shape.rows, j = t % across * shape.cols;
      run_task({q, std::min(a.rows.count, q + shape.rows), j, std::min(col_panels, j + shape.cols)}, n, k, a, b, c, ldc,
               epilogue, depth);
    }
  });
}

// One task, and nothing is packed but what cannot be read in place.
template <class T>
void gemm_small(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t ldc,
                const GemmEpilogue<T>& epilogue) {
  const auto& kernel = gemm_kernels<T>();
  const LeftOperand<T> left{RowPanels(m, kernel.rows), {}, a};
  const RightOperand<T, T> right{{nullptr, 0, kernel.cols, k, k}, 0, 0, b};
  const Task whole{0, left.rows.count, 0, ceil_div(n, kernel.cols)};
  run_task(whole, n, k, left, right, c, ldc, epilogue, gemm_blocks(best_isa(), sizeof(T)).depth);
}

template <class S, class T>
void pack_a_panel(MatrixRef<S> a, const RowPanels& rows, const PackedPanels<T>& out, int64_t q, int64_t p) {
  gemm_packers<S, T>().a(a.at(rows.first(q), p), a.row_stride, a.col_stride, static_cast<int>(rows.rows(q)),
                         out.steps(p), out.at(q, p));
}
template <class S, class T>
void pack_b_panel(MatrixRef<S> b, int64_t cols, const PackedPanels<T>& out, int64_t j, int64_t p) {
  const int64_t first = j * out.width;
  gemm_packers<S, T>().b(b.at(p, first), b.col_stride, b.row_stride,
                         static_cast<int>(std::min(out.width, cols - first)), out.steps(p), out.at(j, p));
}

// Calls fn(panel, p) for `panels` panels in each block of `depth` steps, on all threads.
template <class Fn>
void for_each_panel(int64_t panels, int64_t k, int64_t depth, int64_t step_bytes, const Fn& fn) {
  const int64_t grain = std::max<int64_t>(1, kPackChunk / (step_bytes * depth));
  parallel_for(panels * ceil_div(k, depth), grain, [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) fn(x % panels, x / panels * depth);
  });
}

template <class S, class T>
void gemm_blocked(int64_t m, int64_t n, int64_t k, MatrixRef<S> a, MatrixRef<S> b, const PackedMatrix<T>* packed_b,
                  T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  const auto& kernel = gemm_kernels<T>();
  const GemmBlocks blocks = gemm_blocks(best_isa(), sizeof(T));
  const int64_t depth = even_block(k, blocks.depth, 1);
  const int64_t rows = even_block(m, blocks.packed_rows, kernel.rows);
  const int64_t cols = even_block(n, blocks.packed_cols, kernel.cols);
  const int64_t deep = std::min(k, std::max<int64_t>(1, blocks.packed_depth / depth) * depth);
  const bool share_b = !packed_b && m > blocks.rows * 4 / 3;
  bool pack_a = true;
  if constexpr (std::is_same_v<S, T>) pack_a = n > kFewColumnPanels * kernel.cols;

  BufferRef a_buffer, b_buffer;
  if (pack_a) a_buffer = cpu_device().allocate(static_cast<size_t>((rows + kernel.rows) * deep) * sizeof(T));
  if (share_b) b_buffer = cpu_device().allocate(static_cast<size_t>(cols * deep) * sizeof(T));
  T* const a_panels = pack_a ? static_cast<T*>(a_buffer->data()) : nullptr;
  T* const b_panels = share_b ? static_cast<T*>(b_buffer->data()) : nullptr;

  for (int64_t p = 0; p < k; p += deep) {
    const int64_t kp = std::min(deep, k - p);
    const bool last = p + deep >= k;
    for (int64_t j = 0; j < n; j += cols) {
      const int64_t nj = std::min(cols, n - j);
      RightOperand<S, T> right{{b_panels, ceil_div(nj, kernel.cols), kernel.cols, kp, depth}};
      if (packed_b)
        right = {packed_b->panels(), j / kernel.cols, p};
      else
        right.matrix = {b.at(p, j), b.row_stride, b.col_stride};
      for (int64_t i = 0; i < m; i += rows) {
        const int64_t mi = std::min(rows, m - i);
        const RowPanels row_panels(mi, kernel.rows);
        LeftOperand<T> left{row_panels, {a_panels, row_panels.count, kernel.rows, kp, depth}, {}};
        const MatrixRef<S> a_block{a.at(i, p), a.row_stride, a.col_stride};
        if constexpr (std::is_same_v<S, T>) left.in_place = a_block;
        const int64_t a_count = pack_a ? row_panels.count : 0;
        const int64_t b_count = share_b && i == 0 ? right.packed.panels : 0;
        const int64_t step_bytes = (kernel.rows + kernel.cols) / 2 * static_cast<int64_t>(sizeof(T));
        for_each_panel(a_count + b_count, kp, depth, step_bytes, [&](int64_t x, int64_t step) {
          if (x < a_count)
            pack_a_panel(a_block, row_panels, left.packed, x, step);
          else
            pack_b_panel(right.matrix, nj, right.packed, x - a_count, step);
        });
        const GemmEpilogue<T> part{epilogue.accumulate || p > 0, last && epilogue.bias ? epilogue.bias + j : nullptr,
                                   last && epilogue.relu};
        multiply<S, T>(nj, kp, left, right, c + i * ldc + j, ldc, part, blocks, depth);
      }
    }
  }
}

}  // namespace

template <class T>
template <class S>
PackedMatrix<T>::PackedMatrix(int64_t rows, int64_t cols, MatrixRef<S> b)
    : rows_(rows),
      cols_(cols),
      width_(gemm_kernels<T>().cols),
      depth_(even_block(rows, gemm_blocks(best_isa(), sizeof(T)).depth, 1)) {
  const int64_t count = ceil_div(cols, width_);
  buffer_ = cpu_device().allocate(static_cast<size_t>(count * rows * width_) * sizeof(T));
  for_each_panel(count, rows, depth_, width_ * static_cast<int64_t>(sizeof(T)),
                 [&](int64_t j, int64_t p) { pack_b_panel(b, cols, panels(), j, p); });
}

template <class T>
PackedPanels<T> PackedMatrix<T>::panels() const {
  return {static_cast<T*>(buffer_->data()), ceil_div(cols_, width_), width_, rows_, depth_};
}

template <class S, class T>
void gemm(int64_t m, int64_t n, int64_t k, MatrixRef<S> a, MatrixRef<S> b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  if (k == 0) return gemm_nothing(m, n, c, ldc, epilogue);
  if constexpr (std::is_same_v<S, T>) {
    if (m > 1 && n > 1 && m * n * k <= kSmallWork) return gemm_small(m, n, k, a, b, c, ldc, epilogue);
    if (gemm_thin(m, n, k, a, b, c, ldc, epilogue)) return;
  }
  gemm_blocked<S, T>(m, n, k, a, b, nullptr, c, ldc, epilogue);
}

template <class S, class T>
void gemm(int64_t m, MatrixRef<S> a, const PackedMatrix<T>& b, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  check(b.width() == gemm_kernels<T>().cols, "the matrix was packed for another instruction set");
  if (m <= 0 || b.cols() == 0) return;
  if (b.rows() == 0) return gemm_nothing(m, b.cols(), c, ldc, epilogue);
  gemm_blocked<S, T>(m, b.cols(), b.rows(), a, MatrixRef<S>{}, &b, c, ldc, epilogue);
}

#define TFMINI_INSTANTIATE(S, T)                                                                                  \
  template PackedMatrix<T>::PackedMatrix(int64_t, int64_t, MatrixRef<S>);                                         \
  template void gemm(int64_t, int64_t, int64_t, MatrixRef<S>, MatrixRef<S>, T*, int64_t, const GemmEpilogue<T>&); \
  template void gemm(int64_t, MatrixRef<S>, const PackedMatrix<T>&, T*, int64_t, const GemmEpilogue<T>&);
TFMINI_INSTANTIATE(float, float)
TFMINI_INSTANTIATE(double, double)
TFMINI_INSTANTIATE(Half, float)
TFMINI_INSTANTIATE(BFloat16, float)
#undef TFMINI_INSTANTIATE

}  // namespace tfmini

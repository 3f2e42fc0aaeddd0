// The driver of the GEMM: C = A B in tasks, rectangles of C that threads take
// dynamically. Within one,
//
//   for each block of k       its part of A fits the second-level cache
//     for each panel of B     stays in the first-level cache
//       for each panel of A   the micro-kernel: a register tile of C
//
// Operands are packed where that costs least:
//
//   A   by the micro-kernels of a task's first panel of B, in the shadow of
//   their multiplications B   for all tasks together if more than one row of
//   tasks needs it, 1000 or so rows and columns at a
//       time, at the speed of memory; else by the first micro-kernel of each
//       panel
#include "gemm/gemm.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "gemm/blocks.h"
#include "gemm/operands.h"
#include "gemm/small.h"
#include "gemm/thin.h"

namespace tfmini {
namespace {

// Smaller tasks than this many multiply-adds (~10 us) are not worth a
// hand-over.
constexpr int64_t kMinTask = 1 << 19;
// Bytes to pack per chunk: packing runs at cache speed.
constexpr int64_t kPackChunk = 64 << 10;
// Fewer panels of columns use an element of A too seldom to pay for packing it; fewer panels of rows stay in
// the first levels of cache as they are.
constexpr int64_t kFewColumnPanels = 3, kFewRowPanels = 12;

// Lines of memory to bring into the second-level cache: `runs` of them, each of
// `lines` lines.
struct Lines {
  const char* at = nullptr;
  int64_t runs = 0, stride = 0, lines = 0;  // the stride in bytes

  template <class T>
  static Lines of(const T* p, int64_t runs, int64_t stride, int64_t elements) {
    constexpr int64_t size = sizeof(T);
    return {reinterpret_cast<const char*>(p), runs, stride * size, ceil_div(elements * size, kLine)};
  }
  static constexpr int64_t kLine = 64;
};

// Brings lines in bit by bit, a share before each of `calls` micro-kernels.
class Ahead {
 public:
  Ahead(const Lines& lines, int64_t calls) : lines_(lines), share_(ceil_div(lines.runs * lines.lines, calls)) {}
  void fetch() {
    for (int64_t i = 0; i < share_ && run_ < lines_.runs; ++i) {
      __builtin_prefetch(lines_.at + line_ * Lines::kLine, 0, 2);
      if (++line_ < lines_.lines) continue;
      line_ = 0;
      ++run_;
      lines_.at += lines_.stride;
    }
  }

 private:
  Lines lines_;
  int64_t share_, run_ = 0, line_ = 0;
};

// A part of A. A task with room for it packs panels as it comes to them.
template <class S, class T>
struct LeftOperand {
  RowPanels rows;
  MatrixRef<S> matrix;

  // Points the tile to panel q. `panel`: where it is to be packed, or null;
  // `packed`: that has been done.
  simd::GemmFn<T> set(simd::GemmTile<T>& tile, int64_t q, int64_t p, T* panel, bool packed, bool narrow) const {
    const auto& kernel = gemm_kernels<T>();
    const int64_t r = rows.rows(q) - 1;
    const S* const from = matrix.at(rows.first(q), p);
    if constexpr (std::is_same_v<S, T>) {
      if (!packed) {
        tile.a = from;
        tile.a_row = matrix.row_stride;
        tile.a_step = matrix.col_stride;
        tile.a_copy = panel;
        return narrow                   ? kernel.narrow[r]
               : panel                  ? kernel.copying_a[r]
               : matrix.col_stride == 1 ? kernel.row_major[r]
                                        : kernel.any[r];
      }
    } else if (!packed) {
      gemm_packers<S, T>().a(from, matrix.row_stride, matrix.col_stride, static_cast<int>(r + 1), tile.k, panel);
    }
    tile.a = panel;
    tile.a_row = 1;
    tile.a_step = kernel.rows;
    return narrow ? kernel.narrow[r] : kernel.packed[r];
  }
  // What to bring in before panel q is packed: rows; hardware fetches ahead
  // too, but stops at the end of each page.
  Lines ahead(int64_t q, int64_t p, int64_t steps) const {
    if (matrix.col_stride != 1 || q >= rows.count) return {};
    return Lines::of(matrix.at(rows.first(q), p), rows.rows(q), matrix.row_stride, steps);
  }
};

// A part of B: packed panels from `first_panel` and `first_step` on, or a
// matrix of which the task packs a panel when it comes to it.
template <class S, class T>
struct RightOperand {
  PackedPanels<T> packed;
  int64_t first_panel = 0, first_step = 0;
  MatrixRef<S> matrix{};

  // Points the tile to a panel. True, only if it may be `in_place`: to the
  // matrix itself.
  bool set(simd::GemmTile<T>& tile, int64_t panel, int64_t p, bool in_place, T* room) const {
    tile.b_step = packed.width;
    if (packed.data) {
      tile.b = packed.at(first_panel + panel, first_step + p);
      return false;
    }
    if constexpr (std::is_same_v<S, T>)
      if (in_place && matrix.col_stride == 1 && tile.cols == packed.width) {
        tile.b = matrix.at(p, panel * packed.width);
        tile.b_step = matrix.row_stride;
        return true;
      }
    gemm_packers<S, T>().b(matrix.at(p, panel * packed.width), matrix.col_stride, matrix.row_stride, tile.cols, tile.k,
                           room);
    tile.b = room;
    return false;
  }
  // What to bring in before `steps` steps of a panel are used. A copying kernel
  // fetches the rest itself.
  Lines ahead(int64_t panel, int64_t p, int64_t steps) const {
    if (packed.data) return Lines::of(packed.at(first_panel + panel, first_step + p), 1, 0, packed.width * steps);
    const S* const at = matrix.at(p, panel * packed.width);
    if (matrix.row_stride == 1) return Lines::of(at, packed.width, matrix.col_stride, steps);
    return Lines::of(at, std::min<int64_t>(steps, simd::kCopyAhead), matrix.row_stride, packed.width);
  }
};

// Panels of rows and columns per task.
struct TaskShape {
  int64_t rows, cols;
  TaskShape(int64_t row_panels, int64_t col_panels, int64_t tile_work, const GemmBlocks& blocks, int tile_rows,
            int tile_cols)
      : rows(even_block(row_panels, blocks.rows / tile_rows, 1)),
        cols(even_block(col_panels, blocks.cols / tile_cols, 1)) {
    const int threads = max_threads();
    if (threads == 1) return;
    while (ceil_div(row_panels, rows) * ceil_div(col_panels, cols) < 4 * threads &&
           rows * cols * tile_work >= 2 * kMinTask) {
      int64_t& longer = cols > 1 && cols * tile_cols > rows * tile_rows ? cols : rows;
      if (longer == 1) break;
      longer = ceil_div(longer, 2);
    }
  }
};

// Panels [q0, q1) of rows and [j0, j1) of columns.
struct Task {
  int64_t q0, q1, j0, j1;
};

// `a_room`: where to pack the task's part of A, or null.
template <class S, class T>
void run_task(const Task& task, int64_t n, int64_t k, const LeftOperand<S, T>& a, const RightOperand<S, T>& b, T* c,
              int64_t ldc, const GemmEpilogue<T>& epilogue, int64_t depth, T* a_room) {
  const auto& kernel = gemm_kernels<T>();
  const bool one_row = task.q1 - task.q0 == 1;
  alignas(64) T b_room[kPanelBytes / sizeof(T)];
  simd::GemmTile<T> tile{};
  tile.ldc = ldc;
  tile.b_copy = b_room;
  for (int64_t p = 0; p < k; p += depth) {
    tile.k = std::min(depth, k - p);
    tile.accumulate = epilogue.accumulate || p > 0;
    const bool last_block = p + depth >= k;
    tile.relu = epilogue.relu && last_block;
    for (int64_t j = task.j0; j < task.j1; ++j) {
      const bool first = j == task.j0;
      tile.cols = static_cast<int>(std::min<int64_t>(kernel.cols, n - j * kernel.cols));
      tile.bias = epilogue.bias && last_block ? epilogue.bias + j * kernel.cols : nullptr;
      const bool narrow = tile.cols * 2 <= kernel.cols;
      Lines next;
      if (j + 1 < task.j1)
        next = b.ahead(j + 1, p, tile.k);
      else if (!last_block)
        next = b.ahead(task.j0, p + depth, std::min(depth, k - p - depth));
      Ahead next_panel(next, task.q1 - task.q0);
      // The first kernels pack A; they leave B to us.
      const bool copy_b = b.set(tile, j, p, one_row || !first, b_room) && !one_row;
      for (int64_t q = task.q0; q < task.q1; ++q) {
        next_panel.fetch();
        if (first) Ahead(a.ahead(q + 1, p, tile.k), 1).fetch();
        T* const panel = a_room ? a_room + (q - task.q0) * kernel.rows * tile.k : nullptr;
        const simd::GemmFn<T> fn = a.set(tile, q, p, panel, panel && !first, narrow);
        tile.c = c + a.rows.first(q) * ldc + j * kernel.cols;
        tile.add = epilogue.add && last_block ? epilogue.add + (tile.c - c) : nullptr;
        if (copy_b && q == task.q0) {
          kernel.copying_b[a.rows.rows(q) - 1](tile);
          tile.b = b_room;
          tile.b_step = kernel.cols;
        } else {
          fn(tile);
        }
      }
    }
  }
}

template <class S, class T>
void multiply(int64_t n, int64_t k, const LeftOperand<S, T>& a, const RightOperand<S, T>& b, T* c, int64_t ldc,
              const GemmEpilogue<T>& epilogue, const GemmBlocks& blocks, int64_t depth) {
  const auto& kernel = gemm_kernels<T>();
  const int64_t col_panels = ceil_div(n, kernel.cols);
  const TaskShape shape(a.rows.count, col_panels, kernel.rows * kernel.cols * k, blocks, kernel.rows, kernel.cols);
  const int64_t across = ceil_div(col_panels, shape.cols);
  const bool pack_a = !std::is_same_v<S, T> || (shape.cols >= kFewColumnPanels && a.rows.count > kFewRowPanels);
  parallel_for(ceil_div(a.rows.count, shape.rows) * across, 1, [&](int64_t first, int64_t last) {
    BufferRef room;
    if (pack_a)
      room = cpu_device().allocate(static_cast<size_t>(shape.rows * kernel.rows * std::min(depth, k)) * sizeof(T));
    for (int64_t t = first; t < last; ++t) {
      const int64_t q = t / across * shape.rows, j = t % across * shape.cols;
      run_task({q, std::min(a.rows.count, q + shape.rows), j, std::min(col_panels, j + shape.cols)}, n, k, a, b, c, ldc,
               epilogue, depth, pack_a ? static_cast<T*>(room->data()) : nullptr);
    }
  });
}

template <class S, class T>
void pack_b_panel(const MatrixRef<S>& b, int64_t cols, const PackedPanels<T>& out, int64_t j, int64_t p) {
  const int64_t first = j * out.width;
  gemm_packers<S, T>().b(b.at(p, first), b.col_stride, b.row_stride,
                         static_cast<int>(std::min(out.width, cols - first)), out.steps(p), out.at(j, p));
}

// Calls fn(panel, p) for `panels` panels in each block of `depth` steps, on all
// threads.
template <class Fn>
void for_each_panel(int64_t panels, int64_t k, int64_t depth, int64_t step_bytes, const Fn& fn) {
  const int64_t grain = std::max<int64_t>(1, kPackChunk / (step_bytes * depth));
  parallel_for(panels * ceil_div(k, depth), grain, [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) fn(x % panels, x / panels * depth);
  });
}

template <class S, class T>
void gemm_blocked(int64_t m, int64_t n, int64_t k, const MatrixRef<S>& a, const MatrixRef<S>& b,
                  const PackedMatrix<T>* packed_b, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  const auto& kernel = gemm_kernels<T>();
  const GemmBlocks blocks = gemm_blocks(best_isa(), sizeof(T));
  const int64_t depth = even_block(k, blocks.depth, 1);
  const bool share_b = !packed_b && m > blocks.rows * 4 / 3;
  const int64_t cols = share_b ? even_block(n, blocks.packed_cols, kernel.cols) : n;
  const int64_t deep = share_b ? std::min(k, std::max<int64_t>(1, blocks.packed_depth / depth) * depth) : k;
  BufferRef b_buffer;
  if (share_b) b_buffer = cpu_device().allocate(static_cast<size_t>(round_up(cols, kernel.cols) * deep) * sizeof(T));

  for (int64_t p = 0; p < k; p += deep) {
    const int64_t kp = std::min(deep, k - p);
    const bool last = p + deep >= k;
    const LeftOperand<S, T> left{RowPanels(m, kernel.rows), {a.at(0, p), a.row_stride, a.col_stride}};
    for (int64_t j = 0; j < n; j += cols) {
      const int64_t nj = std::min(cols, n - j);
      RightOperand<S, T> right{{nullptr, ceil_div(nj, kernel.cols), kernel.cols, kp, depth}};
      if (packed_b)
        right.packed = packed_b->panels();
      else
        right.matrix = {b.at(p, j), b.row_stride, b.col_stride};
      if (share_b) {
        right.packed.data = static_cast<T*>(b_buffer->data());
        for_each_panel(right.packed.panels, kp, depth, kernel.cols * static_cast<int64_t>(sizeof(T)),
                       [&](int64_t x, int64_t step) { pack_b_panel(right.matrix, nj, right.packed, x, step); });
      }
      const GemmEpilogue<T> part{epilogue.accumulate || p > 0, last && epilogue.bias ? epilogue.bias + j : nullptr,
                                 last && epilogue.add ? epilogue.add + j : nullptr, last && epilogue.relu};
      multiply<S, T>(nj, kp, left, right, c + j, ldc, part, blocks, depth);
    }
  }
}

// In chunks of the longer dimension, so that operands are packed once.
template <class T>
void gemm_unplanned(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t ldc,
                    const GemmEpilogue<T>& epilogue) {
  if (m * n * k <= kMinTask) return gemm_small(m, n, k, a, b, c, ldc, epilogue);
  const auto part = [&](int64_t row, int64_t rows, int64_t col, int64_t cols) {
    const int64_t at = row * ldc + col;
    gemm_small<T>(rows, cols, k, {a.at(row, 0), a.row_stride, a.col_stride}, {b.at(0, col), b.row_stride, b.col_stride},
                  c + at, ldc,
                  {epilogue.accumulate, epilogue.bias ? epilogue.bias + col : nullptr,
                   epilogue.add ? epilogue.add + at : nullptr, epilogue.relu});
  };
  const auto in_chunks = [&](int64_t total, int64_t unit, int64_t unit_work, const auto& fn) {
    const int64_t units = ceil_div(total, unit);
    parallel_for(units, ceil_div(units, ceil_div(units * unit_work, kMinTask)),
                 [&](int64_t first, int64_t last) { fn(first * unit, std::min(total, last * unit) - first * unit); });
  };
  const auto& kernel = gemm_kernels<T>();
  if (m >= n)
    in_chunks(m, kernel.rows, kernel.rows * n * k, [&](int64_t row, int64_t rows) { part(row, rows, 0, n); });
  else
    in_chunks(n, kernel.cols, kernel.cols * m * k, [&](int64_t col, int64_t cols) { part(0, m, col, cols); });
}

}  // namespace

template <class T>
template <class S>
PackedMatrix<T>::PackedMatrix(int64_t rows, int64_t cols, const MatrixRef<S>& b)
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
void gemm(int64_t m, int64_t n, int64_t k, const MatrixRef<S>& a, const MatrixRef<S>& b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  if (k == 0) return gemm_nothing(m, n, c, ldc, epilogue);
  if constexpr (std::is_same_v<S, T>) {
    const bool small = m * n * k <= kSmallWork;
    if ((!small || thin_is_faster(m, n, k, a, b)) && gemm_thin(m, n, k, a, b, c, ldc, epilogue)) return;
    if (small || few_columns<T>(n)) return gemm_unplanned(m, n, k, a, b, c, ldc, epilogue);
  }
  gemm_blocked<S, T>(m, n, k, a, b, nullptr, c, ldc, epilogue);
}

template <class S, class T>
void gemm(int64_t m, const MatrixRef<S>& a, const PackedMatrix<T>& b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue) {
  check(b.width() == gemm_kernels<T>().cols, "the matrix was packed for another instruction set");
  if (m <= 0 || b.cols() == 0) return;
  if (b.rows() == 0) return gemm_nothing(m, b.cols(), c, ldc, epilogue);
  gemm_blocked<S, T>(m, b.cols(), b.rows(), a, MatrixRef<S>{}, &b, c, ldc, epilogue);
}

#define TFMINI_INSTANTIATE(S, T)                                                                       \
  template PackedMatrix<T>::PackedMatrix(int64_t, int64_t, const MatrixRef<S>&);                       \
  template void gemm(int64_t, int64_t, int64_t, const MatrixRef<S>&, const MatrixRef<S>&, T*, int64_t, \
                     const GemmEpilogue<T>&);                                                          \
  template void gemm(int64_t, const MatrixRef<S>&, const PackedMatrix<T>&, T*, int64_t, const GemmEpilogue<T>&);
TFMINI_INSTANTIATE(float, float)
TFMINI_INSTANTIATE(double, double)
TFMINI_INSTANTIATE(Half, float)
TFMINI_INSTANTIATE(BFloat16, float)
#undef TFMINI_INSTANTIATE

}  // namespace tfmini

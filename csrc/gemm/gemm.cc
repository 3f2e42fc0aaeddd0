// The driver of the GEMM. Large products go block by block:
//
//   pack    strips of A and B of cache size into panels, all threads together
//   tasks   rectangles of C that fit the second-level cache, taken dynamically; within one,
//           for each depth block, for each panel of A, for each panel of B: the micro-kernel
//
// Both matrices are packed once per 1000 or so rows and columns, which costs about 1 % of the
// arithmetic, and makes tasks independent of how the operands were stored.
#include "gemm/gemm.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "gemm/blocks.h"
#include "gemm/thin.h"
#include "simd/gemm_pack.h"
#include "simd/gemm_ukernel.h"

namespace tfmini {
namespace {

// Smaller tasks than this many multiply-adds (~10 us) are not worth a hand-over.
constexpr int64_t kMinTask = 1 << 19;

// So many panels of rows use an element of B too seldom to pay for packing it.
constexpr int64_t kFewPanels = 5;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t unit) { return ceil_div(a, unit) * unit; }
// Divides `total` evenly into as few blocks of at most `limit` as will do; the size is a multiple of `unit`.
int64_t even_block(int64_t total, int64_t limit, int64_t unit) {
  const int64_t blocks = ceil_div(total, std::max(limit, unit));
  return std::max(unit, round_up(ceil_div(total, std::max<int64_t>(blocks, 1)), unit));
}

template <class T>
const simd::GemmKernels<T>& kernels() {
  const auto& table = simd::gemm_kernel_table();
  if constexpr (std::is_same_v<T, float>)
    return table.f32;
  else
    return table.f64;
}

template <class S, class T>
const simd::GemmPackers<S, T>& packers() {
  const auto& table = simd::gemm_pack_table();
  if constexpr (std::is_same_v<S, float>)
    return table.f32;
  else if constexpr (std::is_same_v<S, double>)
    return table.f64;
  else if constexpr (std::is_same_v<S, Half>)
    return table.f16;
  else
    return table.bf16;
}

// Panels of one operand, `width` lanes each: the next panel is `stride` elements further, the next
// step within one `step` elements.
template <class T>
struct Panels {
  const T* data;
  int64_t stride;
  int64_t width;
  int64_t step;
  const T* at(int64_t lane, int64_t k) const { return data + lane / width * stride + k * step; }
};

// Panels packed next to each other, `depth` steps each.
template <class T>
Panels<T> packed_panels(const T* data, int64_t width, int64_t depth) {
  return {data, width * depth, width, width};
}

// Rectangle sizes of the tasks for an m x n block of C: as large as the caches allow, smaller if that
// gives too few tasks to balance the threads.
struct TaskShape {
  int64_t rows, cols;
  TaskShape(int64_t m, int64_t n, int64_t k, const GemmBlocks& blocks, int tile_rows, int tile_cols)
      : rows(even_block(m, blocks.rows, tile_rows)), cols(even_block(n, blocks.cols, tile_cols)) {
    const int threads = max_threads();
    if (threads == 1) return;
    while (ceil_div(m, rows) * ceil_div(n, cols) < 4 * threads && rows * cols * k >= 2 * kMinTask) {
      int64_t& longer = (cols > rows && cols > tile_cols) || rows <= tile_rows ? cols : rows;
      const int64_t unit = &longer == &cols ? tile_cols : tile_rows;
      if (longer <= unit) break;
      longer = round_up(longer / 2, unit);
    }
  }
};

// C[m, n] (+)= A B over panels of depth k.
template <class T>
void multiply(int64_t m, int64_t n, int64_t k, const Panels<T>& a, const Panels<T>& b, T* c, int64_t ldc,
              const GemmEpilogue<T>& epilogue, const GemmBlocks& blocks) {
  const auto& kernel = kernels<T>();
  const TaskShape task(m, n, k, blocks, kernel.rows, kernel.cols);
  const int64_t depth = even_block(k, blocks.depth, 1);
  const int64_t across = ceil_div(n, task.cols);
  parallel_for(ceil_div(m, task.rows) * across, 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const int64_t i0 = t / across * task.rows, i1 = std::min(m, i0 + task.rows);
      const int64_t j0 = t % across * task.cols, j1 = std::min(n, j0 + task.cols);
      for (int64_t p = 0; p < k; p += depth) {
        simd::GemmTile<T> tile{};
        tile.b_step = b.step;
        tile.k = std::min(depth, k - p);
        tile.ldc = ldc;
        tile.accumulate = epilogue.accumulate || p > 0;
        const bool last_block = p + depth >= k;
        tile.relu = epilogue.relu && last_block;
        for (int64_t i = i0; i < i1; i += kernel.rows) {
          const int64_t row_kernel = std::min<int64_t>(kernel.rows, i1 - i) - 1;
          tile.a = a.at(i, p);
          for (int64_t j = j0; j < j1; j += kernel.cols) {
            tile.b = b.at(j, p);
            tile.c = c + i * ldc + j;
            tile.cols = static_cast<int>(std::min<int64_t>(kernel.cols, j1 - j));
            tile.bias = epilogue.bias && last_block ? epilogue.bias + j : nullptr;
            (tile.cols * 2 <= kernel.cols ? kernel.narrow : kernel.kernel)[row_kernel](tile);
          }
        }
      }
    }
  });
}

// Packs `lanes` lanes and `steps` steps of src into panels.
template <class S, class T>
void pack_panel(simd::PackFn<S, T> pack, MatrixRef<S> lanes_by_steps, int64_t lanes, int64_t width, int64_t steps,
                int64_t panel, T* out) {
  pack(lanes_by_steps.at(panel * width, 0), lanes_by_steps.row_stride, lanes_by_steps.col_stride,
       static_cast<int>(std::min(width, lanes - panel * width)), steps, out + panel * width * steps);
}

template <class S, class T>
void gemm_blocked(int64_t m, int64_t n, int64_t k, MatrixRef<S> a, MatrixRef<S> b, const PackedMatrix<T>* packed_b,
                  T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  const auto& kernel = kernels<T>();
  const auto& pack = packers<S, T>();
  const GemmBlocks blocks = gemm_blocks(best_isa(), sizeof(T));
  const int64_t rows = even_block(m, blocks.packed_rows, kernel.rows);
  const int64_t cols = even_block(n, blocks.packed_cols, kernel.cols);
  const int64_t depth = even_block(k, blocks.packed_depth, 1);
  const BufferRef a_buffer = cpu_device().allocate(static_cast<size_t>(rows * depth) * sizeof(T));
  T* const a_panels = static_cast<T*>(a_buffer->data());
  BufferRef b_buffer;
  if (!packed_b) b_buffer = cpu_device().allocate(static_cast<size_t>(cols * depth) * sizeof(T));
  T* const b_panels = b_buffer ? static_cast<T*>(b_buffer->data()) : nullptr;

  for (int64_t p = 0; p < k; p += depth) {
    const int64_t kp = std::min(depth, k - p);
    const bool last = p + depth >= k;
    for (int64_t j = 0; j < n; j += cols) {
      const int64_t nj = std::min(cols, n - j);
      for (int64_t i = 0; i < m; i += rows) {
        const int64_t mi = std::min(rows, m - i);
        const int64_t a_count = ceil_div(mi, kernel.rows);
        const int64_t b_count = i == 0 && !packed_b ? ceil_div(nj, kernel.cols) : 0;
        const int64_t panel_bytes = kp * (kernel.rows + kernel.cols) / 2 * static_cast<int64_t>(sizeof(T));
        const MatrixRef<S> a_block{a.at(i, p), a.row_stride, a.col_stride};
        const MatrixRef<S> b_lanes{packed_b ? nullptr : b.at(p, j), b.col_stride, b.row_stride};
        parallel_for(a_count + b_count, grain_for_bytes(panel_bytes), [&](int64_t first, int64_t end) {
          for (int64_t x = first; x < end; ++x)
            if (x < a_count)
              pack_panel<S, T>(pack.a, a_block, mi, kernel.rows, kp, x, a_panels);
            else
              pack_panel<S, T>(pack.b, b_lanes, nj, kernel.cols, kp, x - a_count, b_panels);
        });

        const Panels<T> pa = packed_panels<T>(a_panels, kernel.rows, kp);
        Panels<T> pb = packed_panels<T>(b_panels, kernel.cols, kp);
        if (packed_b) pb = packed_panels<T>(packed_b->panel(j / kernel.cols) + p * kernel.cols, kernel.cols, k);
        const GemmEpilogue<T> step{epilogue.accumulate || p > 0, last && epilogue.bias ? epilogue.bias + j : nullptr,
                                   last && epilogue.relu};
        multiply<T>(mi, nj, kp, pa, pb, c + i * ldc + j, ldc, step, blocks);
      }
    }
  }
}

// A product with few rows: a row-major B is read where it lies, but for the last columns that do not
// fill a panel.
template <class T>
void gemm_few_rows(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t ldc,
                   const GemmEpilogue<T>& epilogue) {
  const auto& kernel = kernels<T>();
  const auto& pack = packers<T, T>();
  const GemmBlocks blocks = gemm_blocks(best_isa(), sizeof(T));
  const int64_t a_count = ceil_div(m, kernel.rows), edge = n / kernel.cols * kernel.cols;
  const BufferRef buffer =
      cpu_device().allocate(static_cast<size_t>((a_count * kernel.rows + kernel.cols) * k) * sizeof(T));
  T* const a_panels = static_cast<T*>(buffer->data());
  for (int64_t i = 0; i < a_count; ++i) pack_panel<T, T>(pack.a, a, m, kernel.rows, k, i, a_panels);
  const Panels<T> pa = packed_panels<T>(a_panels, kernel.rows, k);
  multiply<T>(m, edge, k, pa, Panels<T>{b.data, kernel.cols, kernel.cols, b.row_stride}, c, ldc, epilogue, blocks);
  if (edge == n) return;
  T* const b_panel = a_panels + a_count * kernel.rows * k;
  const MatrixRef<T> rest{b.at(0, edge), b.col_stride, b.row_stride};
  pack_panel<T, T>(pack.b, rest, n - edge, kernel.cols, k, 0, b_panel);
  const GemmEpilogue<T> last{epilogue.accumulate, epilogue.bias ? epilogue.bias + edge : nullptr, epilogue.relu};
  multiply<T>(m, n - edge, k, pa, packed_panels<T>(b_panel, kernel.cols, k), c + edge, ldc, last, blocks);
}

}  // namespace

template <class T>
template <class S>
PackedMatrix<T>::PackedMatrix(int64_t rows, int64_t cols, MatrixRef<S> b)
    : rows_(rows), cols_(cols), width_(kernels<T>().cols) {
  const int64_t panels = ceil_div(cols, width_);
  buffer_ = cpu_device().allocate(static_cast<size_t>(panels * rows * width_) * sizeof(T));
  T* const out = static_cast<T*>(buffer_->data());
  const auto pack = packers<S, T>().b;
  parallel_for(panels, grain_for_bytes(rows * width_ * static_cast<int64_t>(sizeof(T))),
               [&](int64_t first, int64_t end) {
                 for (int64_t x = first; x < end; ++x)
                   pack_panel<S, T>(pack, b.transposed(), cols, width_, rows, x, out);
               });
}

template <class S, class T>
void gemm(int64_t m, int64_t n, int64_t k, MatrixRef<S> a, MatrixRef<S> b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  if constexpr (std::is_same_v<S, T>)
    if (gemm_thin(m, n, k, a, b, c, ldc, epilogue)) return;
  if (k == 0) return gemm_nothing(m, n, c, ldc, epilogue);
  if constexpr (std::is_same_v<S, T>)
    if (m <= kFewPanels * kernels<T>().rows && b.col_stride == 1) return gemm_few_rows(m, n, k, a, b, c, ldc, epilogue);
  gemm_blocked<S, T>(m, n, k, a, b, nullptr, c, ldc, epilogue);
}

template <class S, class T>
void gemm(int64_t m, MatrixRef<S> a, const PackedMatrix<T>& b, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  check(b.width() == kernels<T>().cols, "the matrix was packed for another instruction set");
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

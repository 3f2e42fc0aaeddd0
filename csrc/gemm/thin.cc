#include "gemm/thin.h"

#include <algorithm>

#include "core/parallel.h"
#include "gemm/operands.h"
#include "gemm/small.h"
#include "simd/gemv.h"

namespace tfmini {
namespace {

// Dot products of a few more rows are worth a second pass over the columns: they need not be packed.
constexpr int64_t kDotRows = simd::kThinRows * 3 / 2;

template <class T>
const simd::ThinKernels<T>& kernels() {
  const auto& table = simd::thin_table();
  if constexpr (std::is_same_v<T, float>)
    return table.f32;
  else
    return table.f64;
}

// Lanes (rows or columns) of the large matrix per chunk: at least `least`, a multiple of 64.
template <class T>
int64_t lane_grain(int64_t k, int64_t least) {
  const int64_t grain = grain_for_bytes(k * static_cast<int64_t>(sizeof(T)));
  return std::max(least, (grain + 63) / 64 * 64);
}

// Takes k rows of kRows elements apart; a compiler can do so with vectors if it knows kRows.
template <int kRows, class T>
void deinterleave(int64_t k, const T* a, T* rows) {
  for (int64_t p = 0; p < k; ++p)
    for (int i = 0; i < kRows; ++i) rows[i * k + p] = a[p * kRows + i];
}

// A strided small matrix with its rows contiguous along k.
template <class T>
class ContiguousRows {
 public:
  ContiguousRows(const ContiguousRows&) = delete;
  ContiguousRows(int64_t m, int64_t k, const MatrixRef<T>& a) : data_(a.data), stride_(a.row_stride) {
    if (a.col_stride == 1) return;
    T* copy = few_;
    if (m * k > kFew) {
      buffer_ = cpu_device().allocate(static_cast<size_t>(m * k) * sizeof(T));
      copy = static_cast<T*>(buffer_->data());
    }
    const bool dense = a.row_stride == 1 && a.col_stride == m;
    if (dense && m == 2)
      deinterleave<2>(k, a.data, copy);
    else if (dense && m == 3)
      deinterleave<3>(k, a.data, copy);
    else if (dense && m == 4)
      deinterleave<4>(k, a.data, copy);
    else
      for (int64_t i = 0; i < m; ++i)
        for (int64_t p = 0; p < k; ++p) copy[i * k + p] = *a.at(i, p);
    data_ = copy;
    stride_ = k;
  }
  const T* data() const { return data_; }
  int64_t stride() const { return stride_; }

 private:
  static constexpr int64_t kFew = 1024;
  T few_[kFew];
  BufferRef buffer_;
  const T* data_;
  int64_t stride_;
};

// B has so many steps that each piece of them is worth a chunk: rows of B are read whole, in the order in
// which they lie in memory, and the pieces' sums are added in order. 0: it is too small for that.
template <class T>
int64_t steps_per_piece(int64_t n, int64_t k) {
  constexpr int64_t kPiece = 1 << 20, kMaxPieces = 32;
  const int64_t pieces = std::min(kMaxPieces, n * k * static_cast<int64_t>(sizeof(T)) / kPiece);
  const int64_t steps = pieces < 2 ? 0 : ((k + pieces - 1) / pieces + 7) / 8 * 8;
  return steps >= 64 ? steps : 0;
}

// m is small and B is row-major.
template <class T>
void thin_rows(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const MatrixRef<T>& b, T* c, int64_t ldc,
               bool accumulate) {
  const auto rows = kernels<T>().rows[m - 1];
  const int64_t steps = steps_per_piece<T>(n, k);
  if (steps == 0) {
    // Pieces of rows want to be long, or the hardware does not prefetch them.
    parallel_for(n, lane_grain<T>(k, 512), [&](int64_t j, int64_t end) {
      rows(end - j, k, a, lda, b.at(0, j), b.row_stride, c + j, ldc, accumulate);
    });
    return;
  }
  const int64_t pieces = (k + steps - 1) / steps;
  const BufferRef buffer = cpu_device().allocate(static_cast<size_t>(pieces * m * n) * sizeof(T));
  T* const sums = static_cast<T*>(buffer->data());
  parallel_for(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x)
      rows(n, std::min(steps, k - x * steps), a + x * steps, lda, b.at(x * steps, 0), b.row_stride, sums + x * m * n, n,
           false);
  });
  parallel_for(n, grain_for_bytes(pieces * m * static_cast<int64_t>(sizeof(T))), [&](int64_t j, int64_t end) {
    for (int64_t i = 0; i < m; ++i) {
      T* const out = c + i * ldc;
      if (!accumulate) std::fill(out + j, out + end, T{});
      for (int64_t x = 0; x < pieces; ++x) {
        const T* const part = sums + (x * m + i) * n;
        for (int64_t l = j; l < end; ++l) out[l] += part[l];
      }
    }
  });
}

// There are so few steps to many columns, no more than a row of C has lines, that a tile would hardly be entered before
// it is left. A that has to be copied takes more of them to pay.
template <class T>
bool few_steps(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a) {
  constexpr int64_t kSteps = 16, kLanes = 64 / sizeof(T);
  const int64_t lines = n / kLanes;
  return lines >= (a.col_stride == 1 ? 4 : 12) && k <= std::min(kSteps, lines) && m * n * k <= kSmallWork;
}

// m is small, or k; element (i, j) of C is at c[i * c_row + j * c_col].
template <class T>
bool thin(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t c_row,
          int64_t c_col, bool accumulate) {
  // A single column, or row, of B lies contiguous both ways: the longer way is faster.
  const bool by_rows = b.col_stride == 1 && c_col == 1 && (b.row_stride != 1 || k < n);
  if (!by_rows && b.row_stride != 1) return false;
  if (m > (by_rows ? simd::kThinRows : kDotRows) && !(by_rows && few_steps(m, n, k, a))) return false;
  const ContiguousRows<T> left(m, k, a);
  if (by_rows) {
    const RowPanels groups(m, simd::kThinRows);
    for (int64_t q = 0; q < groups.count; ++q)
      thin_rows(groups.rows(q), n, k, left.data() + groups.first(q) * left.stride(), left.stride(), b,
                c + groups.first(q) * c_row, c_row, accumulate);
  } else {
    const int64_t most = m <= simd::kThinRows ? m : (m + 1) / 2;
    parallel_for(n, lane_grain<T>(k, 64), [&](int64_t j, int64_t end) {
      for (int64_t i = 0; i < m; i += most)
        kernels<T>().dots[std::min(most, m - i) - 1](end - j, k, left.data() + i * left.stride(), left.stride(),
                                                     b.at(0, j), b.col_stride, c + i * c_row + j * c_col, c_row, c_col,
                                                     accumulate);
    });
  }
  return true;
}

template <class T>
void finish(int64_t m, int64_t n, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  const T *const bias = epilogue.bias, *add = epilogue.add;
  if (!bias && !add && !epilogue.relu) return;
  for (int64_t i = 0; i < m; ++i, c += ldc, add += add ? ldc : 0) {
    if (bias)
      for (int64_t j = 0; j < n; ++j) c[j] += bias[j];
    if (add)
      for (int64_t j = 0; j < n; ++j) c[j] += add[j];
    if (epilogue.relu)
      for (int64_t j = 0; j < n; ++j) c[j] = c[j] < T{} ? T{} : c[j];
  }
}

// The only row of a tile waits for its additions, and many tiles cost many calls. But B must stay in the first-level
// cache if there is more to a tile than to its rows.
template <class T>
bool sums_are_faster(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a) {
  constexpr int64_t kSteps = 16, kColumns = 128 / sizeof(T), kStays = (32 << 10) / sizeof(T);
  if (m == 1) return k >= kSteps || n >= kColumns;
  if (m > simd::kThinRows) return few_steps(m, n, k, a);
  return n >= 2 * kColumns && (m < simd::kThinRows || n * k <= kStays);
}

// Dot products want steps, to share out what their sums cost, and both operands contiguous.
template <class T>
bool dots_are_faster(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b) {
  constexpr int64_t kLeast = sizeof(T) == 4 ? 4 : 3, kLeastTwice = 64, kSteps = 16, kElements = 1024;
  if (b.row_stride != 1 || m > kDotRows || k < std::max<int64_t>(2, kLeast * (m - 1))) return false;
  if (m > simd::kThinRows) return k >= kLeastTwice && a.col_stride == 1;
  return a.col_stride == 1 || n * k >= kElements || k >= kSteps * m;
}

}  // namespace

template <class T>
bool gemm_thin(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t ldc,
               const GemmEpilogue<T>& epilogue) {
  const auto by_a = [&] { return thin(m, n, k, a, b, c, ldc, 1, epilogue.accumulate); };
  const auto by_b = [&] { return thin(n, m, k, b.transposed(), a.transposed(), c, 1, ldc, epilogue.accumulate); };
  // A vector is the row that the other operand is multiplied by.
  if (!(m <= n ? by_a() || by_b() : by_b() || by_a())) return false;
  finish(m, n, c, ldc, epilogue);
  return true;
}

template <class T>
bool thin_is_faster(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b) {
  constexpr int64_t kSteps = 16;
  if (n == 1 && m > 1) return m * k >= kSteps;
  if (b.col_stride == 1 && (m <= n ? b.row_stride != 1 || k < n : few_steps(m, n, k, a)))
    return sums_are_faster(m, n, k, a);
  return m <= n ? dots_are_faster(m, n, k, a, b) : dots_are_faster(n, m, k, b.transposed(), a.transposed());
}

template <class T>
void gemm_nothing(int64_t m, int64_t n, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  if (!epilogue.accumulate)
    for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T{});
  finish(m, n, c, ldc, epilogue);
}

template bool gemm_thin(int64_t, int64_t, int64_t, const MatrixRef<float>&, const MatrixRef<float>&, float*, int64_t,
                        const GemmEpilogue<float>&);
template bool gemm_thin(int64_t, int64_t, int64_t, const MatrixRef<double>&, const MatrixRef<double>&, double*, int64_t,
                        const GemmEpilogue<double>&);
template bool thin_is_faster(int64_t, int64_t, int64_t, const MatrixRef<float>&, const MatrixRef<float>&);
template bool thin_is_faster(int64_t, int64_t, int64_t, const MatrixRef<double>&, const MatrixRef<double>&);
template void gemm_nothing(int64_t, int64_t, float*, int64_t, const GemmEpilogue<float>&);
template void gemm_nothing(int64_t, int64_t, double*, int64_t, const GemmEpilogue<double>&);

}  // namespace tfmini

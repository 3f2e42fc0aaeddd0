#include "gemm/thin.h"

#include <algorithm>

#include "core/parallel.h"
#include "simd/gemv.h"

namespace tfmini {
namespace {

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

// A strided small matrix with its rows contiguous along k.
template <class T>
class ContiguousRows {
 public:
  ContiguousRows(int64_t m, int64_t k, MatrixRef<T> a) : data_(a.data), stride_(a.row_stride) {
    if (a.col_stride == 1) return;
    buffer_ = cpu_device().allocate(static_cast<size_t>(m * k) * sizeof(T));
    T* copy = static_cast<T*>(buffer_->data());
    for (int64_t i = 0; i < m; ++i)
      for (int64_t p = 0; p < k; ++p) copy[i * k + p] = *a.at(i, p);
    data_ = copy;
    stride_ = k;
  }
  const T* data() const { return data_; }
  int64_t stride() const { return stride_; }

 private:
  BufferRef buffer_;
  const T* data_;
  int64_t stride_;
};

// m is small; element (i, j) of C is at c[i * c_row + j * c_col].
template <class T>
bool thin(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t c_row, int64_t c_col,
          bool accumulate) {
  const bool by_rows = b.col_stride == 1 && c_col == 1;
  if (!by_rows && b.row_stride != 1) return false;
  const ContiguousRows<T> left(m, k, a);
  const auto rows = kernels<T>().rows[m - 1];
  const auto dots = kernels<T>().dots[m - 1];
  // Pieces of rows want to be long, or the hardware does not prefetch them.
  parallel_for(n, lane_grain<T>(k, by_rows ? 512 : 64), [&](int64_t j, int64_t end) {
    if (by_rows)
      rows(end - j, k, left.data(), left.stride(), b.at(0, j), b.row_stride, c + j, c_row, accumulate);
    else
      dots(end - j, k, left.data(), left.stride(), b.at(0, j), b.col_stride, c + j * c_col, c_row, c_col, accumulate);
  });
  return true;
}

template <class T>
void finish(int64_t m, int64_t n, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  if (!epilogue.bias && !epilogue.relu) return;
  for (int64_t i = 0; i < m; ++i, c += ldc)
    for (int64_t j = 0; j < n; ++j) {
      const T x = epilogue.bias ? c[j] + epilogue.bias[j] : c[j];
      c[j] = epilogue.relu && x < T{} ? T{} : x;
    }
}

}  // namespace

template <class T>
bool gemm_thin(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t ldc,
               const GemmEpilogue<T>& epilogue) {
  const bool done =
      (m <= simd::kThinRows && thin(m, n, k, a, b, c, ldc, 1, epilogue.accumulate)) ||
      (n <= simd::kThinRows && thin(n, m, k, b.transposed(), a.transposed(), c, 1, ldc, epilogue.accumulate));
  if (done) finish(m, n, c, ldc, epilogue);
  return done;
}

template <class T>
void gemm_nothing(int64_t m, int64_t n, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue) {
  if (!epilogue.accumulate)
    for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T{});
  finish(m, n, c, ldc, epilogue);
}

template bool gemm_thin(int64_t, int64_t, int64_t, MatrixRef<float>, MatrixRef<float>, float*, int64_t,
                        const GemmEpilogue<float>&);
template bool gemm_thin(int64_t, int64_t, int64_t, MatrixRef<double>, MatrixRef<double>, double*, int64_t,
                        const GemmEpilogue<double>&);
template void gemm_nothing(int64_t, int64_t, float*, int64_t, const GemmEpilogue<float>&);
template void gemm_nothing(int64_t, int64_t, double*, int64_t, const GemmEpilogue<double>&);

}  // namespace tfmini

#include "gemm/matmul.h"

#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "gemm/bf16.h"

namespace tfmini {
namespace {

// Rows of C in parallel; within a row, the order of the loops that reads B as it lies in memory.
template <class T>
void integer_matmul(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c) {
  using U = std::make_unsigned_t<T>;  // overflow is defined
  parallel_for(m, grain_for_cost(0.5 * static_cast<double>(n) * static_cast<double>(k)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   U* const row = reinterpret_cast<U*>(c + i * n);
                   if (b.col_stride == 1) {
                     std::fill_n(row, n, U{0});
                     for (int64_t p = 0; p < k; ++p) {
                       const U x = static_cast<U>(*a.at(i, p));
                       const T* const line = b.at(p, 0);
                       for (int64_t j = 0; j < n; ++j) row[j] += x * static_cast<U>(line[j]);
                     }
                   } else {
                     for (int64_t j = 0; j < n; ++j) {
                       U sum = 0;
                       for (int64_t p = 0; p < k; ++p) sum += static_cast<U>(*a.at(i, p)) * static_cast<U>(*b.at(p, j));
                       row[j] = sum;
                     }
                   }
                 }
               });
}

}  // namespace

template <class T>
void matmul(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c) {
  if constexpr (std::is_integral_v<T>) {
    integer_matmul(m, n, k, a, b, c);
  } else if constexpr (std::is_same_v<T, ComputeType<T>>) {
    gemm(m, n, k, a, b, c, n);
  } else {
    if constexpr (std::is_same_v<T, BFloat16>)
      if (has_bf16_products()) return gemm_bf16(m, n, k, a, b, c);
    const BufferRef sums = cpu_device().allocate(static_cast<size_t>(m * n) * sizeof(float));
    float* const wide = static_cast<float*>(sums->data());
    gemm(m, n, k, a, b, wide, n);
    parallel_for(m * n, grain_for_bytes(sizeof(float)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) c[i] = T(wide[i]);
    });
  }
}

#define TFMINI_INSTANTIATE(T) \
  template void matmul(int64_t, int64_t, int64_t, const MatrixRef<T>&, const MatrixRef<T>&, T*);
TFMINI_INSTANTIATE(float)
TFMINI_INSTANTIATE(double)
TFMINI_INSTANTIATE(Half)
TFMINI_INSTANTIATE(BFloat16)
TFMINI_INSTANTIATE(int32_t)
TFMINI_INSTANTIATE(int64_t)
#undef TFMINI_INSTANTIATE

}  // namespace tfmini

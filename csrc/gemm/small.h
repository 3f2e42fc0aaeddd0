// Products that are over before much could be planned.
#pragma once

#include "gemm/gemm.h"

namespace tfmini {

// So few multiply-adds (~5 us) are not worth a second thread either.
constexpr int64_t kSmallWork = 1 << 19;

// Operands are read where they lie, but for columns of B that a vector cannot be loaded from.
template <class T>
void gemm_small(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, T* c, int64_t ldc,
                const GemmEpilogue<T>& epilogue);

}  // namespace tfmini

// Products that are over before much could be planned.
#pragma once

#include "gemm/gemm.h"

namespace tfmini {

// Packing and planning for so few multiply-adds (~20 us) costs more than it saves.
constexpr int64_t kSmallWork = 1 << 20;

// Operands are read where they lie, but for columns of B that a vector cannot be loaded from.
template <class T>
void gemm_small(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t ldc,
                const GemmEpilogue<T>& epilogue);

// Whether C has no more columns than one tile, so that each element of A is read once and need not be packed, however
// large A is.
template <class T>
bool few_columns(int64_t n);

}  // namespace tfmini

// Products that read one large matrix once: matrix times vector, and up to four of them. Bound by
// memory, so nothing is packed.
#pragma once

#include "gemm/gemm.h"

namespace tfmini {

// Computes the product if m or n is small and the large operand is stored the right way; false otherwise.
template <class T>
bool gemm_thin(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t ldc,
               const GemmEpilogue<T>& epilogue);

// Whether a product with few rows or columns that is small is worth more than being part of a tile.
template <class T>
bool thin_is_faster(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b);

// The product of an m x 0 and a 0 x n matrix: zeros, and the epilogue.
template <class T>
void gemm_nothing(int64_t m, int64_t n, T* c, int64_t ldc, const GemmEpilogue<T>& epilogue);

}  // namespace tfmini

// Dense matrix products of every number type, one at a time or many.
#pragma once

#include <cstdint>

#include "gemm/gemm.h"

namespace tfmini {

// C[m, n] = A[m, k] B[k, n], C dense. 16-bit floats are multiplied and summed in float and rounded
// once; integers wrap around on overflow.
// Instantiated for float, double, Half, BFloat16, int32_t, int64_t.
template <class T>
void matmul(int64_t m, int64_t n, int64_t k, const MatrixRef<T>& a, const MatrixRef<T>& b, T* c);

}  // namespace tfmini

// Matrix products of bfloat16 where the processor multiplies pairs of them (vdpbf16ps, of AVX512_BF16). Elsewhere
// elements are widened to float (gemm.h), which is faster than working on pairs without that instruction.
#pragma once

#include "gemm/gemm.h"

namespace tfmini {

// Whether the instruction is there and best_isa() is AVX-512.
bool has_bf16_products();

// C[m, n] = A[m, k] B[k, n], C dense. Sums are float, over all of k in an order that depends on nothing else, and
// rounded once; the instruction takes denormal elements and sums for zero. Without it, a portable kernel does the same,
// for tests.
void gemm_bf16(int64_t m, int64_t n, int64_t k, const MatrixRef<BFloat16>& a, const MatrixRef<BFloat16>& b,
               BFloat16* c);

}  // namespace tfmini

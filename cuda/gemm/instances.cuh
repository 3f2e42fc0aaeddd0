// The pairs of operands there are kernels for: matrices with all transposes; convolutions, and their gradients with
// respect to input and filter. F(T, A, B) is expanded for each.
#pragma once

#include "gemm/operands.cuh"
#include "gemm/reader.cuh"

#define TFMINI_GEMM_OPERANDS(F, T)                                         \
  F(T, (Operand<DenseMatrix<T>, true>), (Operand<DenseMatrix<T>, false>))  \
  F(T, (Operand<DenseMatrix<T>, true>), (Operand<DenseMatrix<T>, true>))   \
  F(T, (Operand<DenseMatrix<T>, false>), (Operand<DenseMatrix<T>, false>)) \
  F(T, (Operand<DenseMatrix<T>, false>), (Operand<DenseMatrix<T>, true>))  \
  F(T, (Operand<Patches<T>, true>), (Operand<DenseMatrix<T>, false>))      \
  F(T, (Operand<Patches<T>, true>), (Operand<FilterTaps<T>, true>))        \
  F(T, (Operand<Patches<T>, false>), (Operand<DenseMatrix<T>, false>))

// A macro argument with commas in it, without its parentheses.
#define TFMINI_BARE(...) __VA_ARGS__

#define TFMINI_LAUNCH(name, T, A, B)                                                                               \
  template void name<TFMINI_BARE A, TFMINI_BARE B>(const GemmArgs<TFMINI_BARE A, TFMINI_BARE B>&, const GemmPlan&, \
                                                   int64_t, cudaStream_t);
#define TFMINI_LAUNCH_SIMT(T, A, B) TFMINI_LAUNCH(launch_simt, T, A, B)
#define TFMINI_LAUNCH_MMA(T, A, B) TFMINI_LAUNCH(launch_mma, T, A, B)

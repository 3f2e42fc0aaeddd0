// From a product and its plan to launches: what gemm.cu and conv/ share.
#pragma once

#include <climits>

#include "core/error.h"
#include "core/launch.cuh"
#include "core/tensor_float_32.h"
#include "gemm/gemm.cuh"
#include "gemm/reader.cuh"

namespace tfmini::cuda {

template <class T, bool kByK>
using Dense = Operand<DenseMatrix<T>, kByK>;

// Launches with the tile of the plan; args.order and the parts of k are set. simt.cu and mma_*.cu.
template <class A, class B>
void launch_simt(const GemmArgs<A, B>& args, const GemmPlan& plan, int64_t tiles, cudaStream_t stream);
template <class A, class B>
void launch_mma(const GemmArgs<A, B>& args, const GemmPlan& plan, int64_t tiles, cudaStream_t stream);
// Adds up the parts and applies the epilogue: out.partial is [products, splits, m, n].
template <class T>
void launch_sum_parts(const Output<T>& out, int64_t products, cudaStream_t stream);

// Whether float products may be rounded to TF32 (core/tensor_float_32.h).
template <class T>
bool uses_tensor_cores() {
  if constexpr (sizeof(T) == 2) return true;
  if constexpr (sizeof(T) == 4) return tensor_float_32_allowed;
  return false;
}

inline int checked_int(int64_t n, const char* what) {
  if (n > (1 << 30)) fail(Code::kUnimplemented, "a product with ", what, " = ", n, " is too large for one kernel");
  return static_cast<int>(n);
}

template <class T>
Output<T> dense_output(const Gemm<T>& g) {
  Output<T> out;
  out.data = g.c;
  out.rows.ld = g.ldc;
  out.batch = g.c_batch;
  out.m = checked_int(g.m, "m");
  out.n = checked_int(g.n, "n");
  out.epilogue = g.epilogue;
  return out;
}

// Sets what the plan says about the output; returns what owns the memory for partial sums.
template <class T>
BufferRef prepare_output(const Place& place, Output<T>* out, int64_t batch, const GemmPlan& plan) {
  using Sum = typename Output<T>::Sum;
  constexpr int kUnit = Unit<T>::kSize;
  const OutputRows& rows = out->rows;
  out->aligned = reinterpret_cast<uintptr_t>(out->data) % 16 == 0 &&
                 (rows.ld | rows.first | rows.image | rows.line | rows.pixel | out->batch) % kUnit == 0;
  out->splits = plan.splits;
  if (plan.splits == 1) return {};
  BufferRef parts = place.device.allocate(static_cast<size_t>(batch * plan.splits * out->m) *
                                          static_cast<size_t>(out->n) * sizeof(Sum));
  out->partial = static_cast<Sum*>(parts->data());
  return parts;
}

inline int64_t count_tiles(const TileOrder& order, int64_t batch, const GemmPlan& plan) {
  const int64_t tiles = int64_t{order.rows} * order.cols * batch * plan.splits;
  if (tiles > INT_MAX) fail(Code::kUnimplemented, "a product of ", tiles, " tiles is too large for one kernel");
  return tiles;
}

// Everything but the operands and the sizes m, n (args.out) and k is decided here.
template <class A, class B>
void run_gemm(const Place& place, GemmArgs<A, B> args, int64_t batch, const GemmPlan& plan) {
  using T = typename A::Element;
  constexpr int kUnit = Unit<T>::kSize;
  args.a_aligned = args.a.aligned(kUnit) && args.a_batch % kUnit == 0;
  args.b_aligned = args.b.aligned(kUnit) && args.b_batch % kUnit == 0;
  args.order = {ceil_div(args.out.m, plan.tile_m), ceil_div(args.out.n, plan.tile_n)};
  args.split_depth = plan.split_depth;
  const BufferRef parts = prepare_output(place, &args.out, batch, plan);
  const int64_t tiles = count_tiles(args.order, batch, plan);
  if constexpr (sizeof(T) == 8)
    launch_simt(args, plan, tiles, place.stream);
  else if constexpr (sizeof(T) == 2)
    launch_mma(args, plan, tiles, place.stream);
  else
    plan.kernel == GemmKernel::kSimt ? launch_simt(args, plan, tiles, place.stream)
                                     : launch_mma(args, plan, tiles, place.stream);
  if (plan.splits > 1) launch_sum_parts(args.out, batch, place.stream);
}

}  // namespace tfmini::cuda

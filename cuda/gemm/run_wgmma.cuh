// From a product to a launch of the kernel of sm_90a.
#pragma once

#include <algorithm>

#include "gemm/run.cuh"
#include "gemm/transpose.cuh"
#include "gemm/wgmma.cuh"
#include "gemm/wgmma_run.cuh"

namespace tfmini::cuda {

template <class T, int kN, bool kAByK, bool kBByK>
void launch_wgmma_tile(const Place& place, const TensorMap& a, const TensorMap& b, const WgmmaArgs<T>& args) {
  using Tile = WgmmaTile<T, kN>;
  const auto cluster = static_cast<unsigned>(args.cluster);
  const auto at_once = static_cast<int64_t>(static_cast<unsigned>(place.chip.multiprocessors) / cluster);
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {cluster, 1, 1};
  launch_with({&attribute, cluster > 1 ? size_t{1} : 0}, wgmma_gemm<Tile, T, kAByK, kBByK>,
              dim3(static_cast<unsigned>(std::min(args.tiles, at_once)) * cluster), dim3(Tile::kThreads),
              Tile::kSharedBytes, place.stream, a, b, args);
}

template <class T, bool kAByK, bool kBByK>
void launch_wgmma_operands(const Place& place, const TensorMap& a, const TensorMap& b, const WgmmaArgs<T>& args,
                           int tile_n) {
  if (tile_n == 256)
    launch_wgmma_tile<T, 256, kAByK, kBByK>(place, a, b, args);
  else
    launch_wgmma_tile<T, 128, kAByK, kBByK>(place, a, b, args);
}

// False if there can be no tensor maps of these operands; nothing was launched then.
template <class T>
bool launch_wgmma(const Place& place, const WgmmaOperand<T>& a, const WgmmaOperand<T>& b, const WgmmaArgs<T>& args,
                  int tile_n) {
  TensorMap map_a, map_b;
  if (!encode_tensor_map(&map_a, a.shape()) || !encode_tensor_map(&map_b, b.shape())) return false;
  if constexpr (sizeof(T) == 4) {
    launch_wgmma_operands<T, true, true>(place, map_a, map_b, args, tile_n);
  } else if (a.by_k) {
    b.by_k ? launch_wgmma_operands<T, true, true>(place, map_a, map_b, args, tile_n)
           : launch_wgmma_operands<T, true, false>(place, map_a, map_b, args, tile_n);
  } else {
    b.by_k ? launch_wgmma_operands<T, false, true>(place, map_a, map_b, args, tile_n)
           : launch_wgmma_operands<T, false, false>(place, map_a, map_b, args, tile_n);
  }
  return true;
}

// A matrix of `rows` x `cols` per product, written anew with the other order of its elements: 32-bit operands must lie
// along k. Rows are padded to multiples of 16 bytes. Returns what owns the copy.
template <class T>
BufferRef along_k(const Place& place, WgmmaOperand<T>* operand) {
  const int64_t copies = operand->batch_stride ? operand->batch : 1, ld = (operand->k + 3) / 4 * 4;
  Transpose t;
  t.batch = copies;
  t.rows = static_cast<int>(operand->k);
  t.cols = static_cast<int>(operand->outer);
  t.from_ld = operand->ld;
  t.from_batch = operand->batch_stride;
  t.to_ld = ld;
  t.to_batch = operand->outer * ld;
  BufferRef copy = place.device.allocate(static_cast<size_t>(copies * t.to_batch) * sizeof(T));
  launch_transpose(t, sizeof(T), operand->data, copy->data(), place.stream);
  operand->data = static_cast<const T*>(copy->data());
  operand->by_k = true;
  operand->ld = ld;
  operand->batch_stride = operand->batch_stride ? t.to_batch : 0;
  return copy;
}

template <class T>
bool run_wgmma(const Place& place, const Gemm<T>& g, const GemmPlan& plan) {
  WgmmaOperand<T> a{g.a, !g.transpose_a, g.m, g.k, g.lda, g.batch, g.a_batch};
  WgmmaOperand<T> b{g.b, g.transpose_b, g.n, g.k, g.ldb, g.batch, g.b_batch};
  BufferRef a_copy, b_copy, parts;
  if constexpr (sizeof(T) == 4) {
    if (!a.by_k) a_copy = along_k(place, &a);
    if (!b.by_k) b_copy = along_k(place, &b);
  }
  WgmmaArgs<T> args;
  args.k = checked_int(g.k, "k");
  args.split_depth = plan.split_depth;
  args.a_batched = a.batch_stride != 0;
  args.b_batched = b.batch_stride != 0;
  args.out = dense_output(g);
  parts = prepare_output(place, &args.out, g.batch, plan);
  args.cluster = plan.cluster;
  args.order = {ceil_div(args.out.m, plan.tile_m * plan.cluster), ceil_div(args.out.n, plan.tile_n)};
  args.tiles = count_tiles(args.order, g.batch, plan);
  if (!launch_wgmma(place, a, b, args, plan.tile_n)) return false;
  if (plan.splits > 1) launch_sum_parts(args.out, g.batch, place.stream);
  return true;
}

template <class A, bool kBByK>
void launch_gather(const Place& place, const TensorMap& map_b, const GatherArgs<A>& args) {
  using Tile = WgmmaTile<typename A::Element, 128>;
  const auto blocks = static_cast<unsigned>(std::min<int64_t>(args.product.tiles, place.chip.multiprocessors));
  launch(wgmma_gather<Tile, A, kBByK>, dim3(blocks), dim3(Tile::kThreads), Tile::kSharedBytes, place.stream, map_b,
         args);
}

template <class A>
bool run_wgmma_gather(const Place& place, GatherArgs<A> args, int64_t batch, const GemmPlan& plan,
                      WgmmaOperand<typename A::Element> b, const TensorShape* b_shape) {
  using T = typename A::Element;
  BufferRef b_copy;
  if constexpr (sizeof(T) == 4)
    if (!b_shape && !b.by_k) b_copy = along_k(place, &b);
  TensorMap map_b;
  if (!encode_tensor_map(&map_b, b_shape ? *b_shape : b.shape())) return false;
  WgmmaArgs<T>& product = args.product;
  product.split_depth = plan.split_depth;
  const BufferRef parts = prepare_output(place, &product.out, batch, plan);
  product.order = {ceil_div(product.out.m, plan.tile_m), ceil_div(product.out.n, plan.tile_n)};
  product.tiles = count_tiles(product.order, batch, plan);
  const bool b_by_k = b_shape || b.by_k;
  if constexpr (sizeof(T) == 4) {
    launch_gather<A, true>(place, map_b, args);
  } else {
    if constexpr (A::kByK) {
      b_by_k ? launch_gather<A, true>(place, map_b, args) : launch_gather<A, false>(place, map_b, args);
    } else {
      launch_gather<A, false>(place, map_b, args);
    }
  }
  if (plan.splits > 1) launch_sum_parts(product.out, batch, place.stream);
  return true;
}

}  // namespace tfmini::cuda

// Matrix product on Hopper (sm_90a). One warpgroup lets the copy engine fill a ring of tiles in shared memory; two more
// multiply them, each 64 * kBlocks rows, straight out of shared memory. Two barriers per place in the ring tell when it
// is full and when it is free. Blocks stay: each takes every gridDim.x-th tile, and the next tile is on its way while
// the last one is stored.
#pragma once

#include "core/hopper.cuh"
#include "core/launch.cuh"
#include "gemm/args.cuh"
#include "gemm/mma.cuh"  // gather_columns

namespace tfmini::cuda {

template <class T>
struct WgmmaArgs {
  TileOrder order;
  int64_t tiles = 0;
  int k = 0, split_depth = 0;
  bool a_batched = false, b_batched = false;  // else all products have the same operand
  Output<T> out;
};

template <class T, int kBlocksOfRows>
struct WgmmaTile {
  static constexpr int kBlocks = kBlocksOfRows;  // of 64 rows, per warpgroup
  static constexpr int kM = 128 * kBlocks, kN = 128, kThreads = 384, kConsumerWarps = 8;
  static constexpr int kDepth = 128 / static_cast<int>(sizeof(T));
  static constexpr int kBytesA = kM * 128, kBytesB = kN * 128, kStageBytes = kBytesA + kBytesB;
  static constexpr int kStages = kBlocks == 2 ? 4 : 6;
  static constexpr int kSharedBytes = kStages * (kStageBytes + 2 * 8);
};

// Where an operand that does not lie along k has its parts: boxes of 64 elements times kDepth = 64 steps.
inline constexpr int kBoxBytes = 64 * 128;

// A place in the ring, and which round it is.
template <int kStages>
struct RingPlace {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

template <bool kByK, int kOuter>
__device__ __forceinline__ void copy_operand(SharedAddress to, const TensorMap* map, SharedAddress barrier, int outer,
                                             int k, int batch) {
  if constexpr (kByK) {
    copy_box(to, map, barrier, k, outer, batch);
  } else {
#pragma unroll
    for (int i = 0; i < kOuter / 64; ++i) copy_box(to + i * kBoxBytes, map, barrier, outer + 64 * i, k, batch);
  }
}

// The 32 bytes (or 16 rows) along k of step `step` of an operand whose tile begins at `tile`.
template <bool kByK>
__device__ __forceinline__ uint64_t operand_descriptor(SharedAddress tile, int step) {
  return kByK ? matrix_descriptor(tile + 32 * step, 16, 1024)
              : matrix_descriptor(tile + 16 * 128 * step, kBoxBytes, 1024);
}

template <class Tile, class T, bool kAByK, bool kBByK>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    wgmma_gemm(const __grid_constant__ TensorMap map_a, const __grid_constant__ TensorMap map_b,
               const __grid_constant__ WgmmaArgs<T> args) {
  constexpr int kStages = Tile::kStages, kBlocks = Tile::kBlocks;
  const SharedAddress ring = shared_address(dynamic_shared<char>());
  const SharedAddress full = ring + kStages * Tile::kStageBytes, empty = full + 8 * kStages;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    for (int s = 0; s < kStages; ++s) {
      barrier_init(full + 8 * s, 1);
      barrier_init(empty + 8 * s, Tile::kConsumerWarps);
    }
    barrier_fence();
  }
  __syncthreads();
  RingPlace<kStages> place;
  const auto depth_of = [&](int split) {
    const int begin = split * args.split_depth;
    return begin + args.split_depth < args.k ? args.split_depth : args.k - begin;
  };

  if (thread < 128) {
    give_registers<40>();
    if (thread != 0) return;
    prefetch_tensor_map(&map_a);
    prefetch_tensor_map(&map_b);
    for (int64_t t = blockIdx.x; t < args.tiles; t += gridDim.x) {
      const auto tile = args.order.at(t);
      const int batch = tile.product / args.out.splits, split = tile.product - batch * args.out.splits;
      const int begin = split * args.split_depth, depth = depth_of(split);
      for (int k = begin; k < begin + depth; k += Tile::kDepth, place.advance()) {
        const SharedAddress stage = ring + place.stage * Tile::kStageBytes, barrier = full + 8 * place.stage;
        barrier_wait(empty + 8 * place.stage, place.parity ^ 1);  // at first there is nothing to wait for
        barrier_expect(barrier, Tile::kStageBytes);
        copy_operand<kAByK, Tile::kM>(stage, &map_a, barrier, tile.row * Tile::kM, k, args.a_batched ? batch : 0);
        copy_operand<kBByK, Tile::kN>(stage + Tile::kBytesA, &map_b, barrier, tile.col * Tile::kN, k,
                                      args.b_batched ? batch : 0);
      }
    }
  } else {
    take_registers<232>();
    const int group = thread / 128 - 1, warp = thread % 128 / 32, lane = thread % 32;
    WarpgroupMma mma;
    for (int64_t t = blockIdx.x; t < args.tiles; t += gridDim.x) {
      const auto tile = args.order.at(t);
      const int steps = ceil_div(depth_of(tile.product % args.out.splits), Tile::kDepth);
      float sums[kBlocks][64];
#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
        for (int i = 0; i < 64; ++i) sums[b][i] = 0;
        mma.hold(sums[b]);
      }
      int last = -1;  // the place whose products may still be going on
      for (int s = 0; s < steps; ++s, place.advance()) {
        const SharedAddress stage = ring + place.stage * Tile::kStageBytes;
        barrier_wait(full + 8 * place.stage, place.parity);
        mma.begin();
#pragma unroll
        for (int step = 0; step < 4; ++step)
#pragma unroll
          for (int b = 0; b < kBlocks; ++b)
            mma.template multiply<T, kAByK, kBByK>(
                sums[b], operand_descriptor<kAByK>(stage + (group * kBlocks + b) * kBoxBytes, step),
                operand_descriptor<kBByK>(stage + Tile::kBytesA, step));
        mma.commit();
        mma.template wait<1>();
        if (last >= 0 && lane == 0) barrier_arrive(empty + 8 * last);
        last = place.stage;
      }
      mma.template wait<0>();
      if (last >= 0 && lane == 0) barrier_arrive(empty + 8 * last);

#pragma unroll
      for (int b = 0; b < kBlocks; ++b) {
        mma.hold(sums[b]);
        const int row = tile.row * Tile::kM + (group * kBlocks + b) * 64 + warp * 16 + lane / 4;
#pragma unroll
        for (int lower = 0; lower < 2; ++lower)
#pragma unroll
          for (int q = 0; q < 4; ++q) {
            float run[8];
#pragma unroll
            for (int j = 0; j < 4; ++j) {
              run[2 * j] = sums[b][16 * q + 4 * j + 2 * lower];
              run[2 * j + 1] = sums[b][16 * q + 4 * j + 2 * lower + 1];
            }
            gather_columns(run);
            store_sums<8, T>(args.out, tile.product, row + 8 * lower, tile.col * Tile::kN + 32 * q + 8 * (lane % 4),
                             run);
          }
      }
    }
  }
}

}  // namespace tfmini::cuda

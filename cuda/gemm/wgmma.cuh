// Matrix product on Hopper (sm_90a). One warpgroup fills a ring of tiles in shared memory, here by the copy engine; two
// more multiply them, each 64 * kBlocks rows, straight out of shared memory. Two barriers per place in the ring tell
// when it is full and when it is free. Blocks stay: each takes every gridDim.x-th tile, and the next tile is on its way
// while the last one is stored.
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

  // Which matrices, and which part of k.
  struct Part {
    int batch, begin, end;
  };
  TFMINI_ALWAYS_INLINE Part part(int product) const {
    const int batch = product / out.splits, begin = (product - batch * out.splits) * split_depth;
    return {batch, begin, begin + split_depth < k ? begin + split_depth : k};
  }
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

// The ring as one thread sees it: the place whose turn is next, and which round it is.
template <class Tile>
class Ring {
 public:
  __device__ __forceinline__ explicit Ring(SharedAddress memory) : memory_(memory) {}
  // By one thread, before all others begin; `fills`: arrivals that make a place full.
  __device__ __forceinline__ void init(int fills) const {
    for (int s = 0; s < Tile::kStages; ++s) {
      barrier_init(full(s), fills);
      barrier_init(empty(s), Tile::kConsumerWarps);
    }
    barrier_fence();
  }
  __device__ __forceinline__ int stage() const { return stage_; }
  __device__ __forceinline__ SharedAddress a() const { return memory_ + stage_ * Tile::kStageBytes; }
  __device__ __forceinline__ SharedAddress b() const { return a() + Tile::kBytesA; }
  __device__ __forceinline__ SharedAddress full(int s) const {
    return memory_ + Tile::kStages * Tile::kStageBytes + 8 * s;
  }
  __device__ __forceinline__ SharedAddress empty(int s) const { return full(s) + 8 * Tile::kStages; }
  __device__ __forceinline__ void wait_full() const { barrier_wait(full(stage_), parity_); }
  // At first there is nothing to wait for.
  __device__ __forceinline__ void wait_empty() const { barrier_wait(empty(stage_), parity_ ^ 1); }
  __device__ __forceinline__ void advance() {
    if (++stage_ == Tile::kStages) {
      stage_ = 0;
      parity_ ^= 1;
    }
  }

 private:
  SharedAddress memory_;
  int stage_ = 0;
  uint32_t parity_ = 0;
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

// The multiplying half of a block: its second and third warpgroup.
template <class Tile, class T, bool kAByK, bool kBByK>
__device__ __forceinline__ void multiply_tiles(const WgmmaArgs<T>& args, Ring<Tile> ring) {
  constexpr int kBlocks = Tile::kBlocks;
  const int thread = static_cast<int>(threadIdx.x), group = thread / 128 - 1, warp = thread % 128 / 32;
  const int lane = thread % 32;
  WarpgroupMma mma;
  for (int64_t t = blockIdx.x; t < args.tiles; t += gridDim.x) {
    const auto tile = args.order.at(t);
    const auto part = args.part(tile.product);
    float sums[kBlocks][64];
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
      for (int i = 0; i < 64; ++i) sums[b][i] = 0;
      mma.hold(sums[b]);
    }
    int last = -1;  // the place whose products may still be going on
    for (int k = part.begin; k < part.end; k += Tile::kDepth, ring.advance()) {
      ring.wait_full();
      mma.begin();
#pragma unroll
      for (int step = 0; step < 4; ++step)
#pragma unroll
        for (int b = 0; b < kBlocks; ++b)
          mma.template multiply<T, kAByK, kBByK>(
              sums[b], operand_descriptor<kAByK>(ring.a() + (group * kBlocks + b) * kBoxBytes, step),
              operand_descriptor<kBByK>(ring.b(), step));
      mma.commit();
      mma.template wait<1>();
      if (last >= 0 && lane == 0) barrier_arrive(ring.empty(last));
      last = ring.stage();
    }
    mma.template wait<0>();
    if (last >= 0 && lane == 0) barrier_arrive(ring.empty(last));

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
          store_sums<8, T>(args.out, tile.product, row + 8 * lower, tile.col * Tile::kN + 32 * q + 8 * (lane % 4), run);
        }
    }
  }
}

template <class Tile, class T, bool kAByK, bool kBByK>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    wgmma_gemm(const __grid_constant__ TensorMap map_a, const __grid_constant__ TensorMap map_b,
               const __grid_constant__ WgmmaArgs<T> args) {
  Ring<Tile> ring(shared_address(dynamic_shared<char>()));
  if (threadIdx.x == 0) ring.init(1);
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers<40>();
    if (threadIdx.x != 0) return;
    prefetch_tensor_map(&map_a);
    prefetch_tensor_map(&map_b);
    for (int64_t t = blockIdx.x; t < args.tiles; t += gridDim.x) {
      const auto tile = args.order.at(t);
      const auto part = args.part(tile.product);
      for (int k = part.begin; k < part.end; k += Tile::kDepth, ring.advance()) {
        const SharedAddress full = ring.full(ring.stage());
        ring.wait_empty();
        barrier_expect(full, Tile::kStageBytes);
        copy_operand<kAByK, Tile::kM>(ring.a(), &map_a, full, tile.row * Tile::kM, k, args.a_batched ? part.batch : 0);
        copy_operand<kBByK, Tile::kN>(ring.b(), &map_b, full, tile.col * Tile::kN, k, args.b_batched ? part.batch : 0);
      }
    }
  } else {
    take_registers<232>();
    multiply_tiles<Tile, T, kAByK, kBByK>(args, ring);
  }
}

}  // namespace tfmini::cuda

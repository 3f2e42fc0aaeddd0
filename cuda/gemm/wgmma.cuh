// Matrix product on Hopper (sm_90a). One warpgroup fills a ring of tiles in shared memory, here by the copy engine; two
// more multiply them, 64 rows each, straight out of shared memory. Two barriers per place in the ring tell when it is
// full and when it is free. Blocks stay: each takes every gridDim.x-th tile, and the next tile is on its way while the
// last one is stored. Two blocks may be a cluster, with tiles below each other: each brings half of the columns of B
// for both, since what the second-level cache delivers would not be enough for all blocks otherwise.
#pragma once

#include "core/hopper.cuh"
#include "core/launch.cuh"
#include "gemm/fragments.cuh"

namespace tfmini::cuda {

template <class T>
struct WgmmaArgs {
  TileOrder order;  // of a cluster's tiles: as many rows of tiles each as it has blocks
  int cluster = 1;
  int64_t tiles = 0;  // of clusters
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

template <class T, int kColumns>
struct WgmmaTile {
  static constexpr int kM = 128, kN = kColumns, kThreads = 384, kConsumerWarps = 8;
  static constexpr int kDepth = 128 / static_cast<int>(sizeof(T));
  static constexpr int kBytesA = kM * 128, kBytesB = kN * 128, kStageBytes = kBytesA + kBytesB;
  static constexpr int kStages = kN == 256 ? 4 : 6;
  static constexpr int kSharedBytes = kStages * (kStageBytes + 2 * 8);
};

// What the copy engine brings at a time of an operand that lies along k, 128 rows of 128 bytes; else 64 elements times
// kDepth = 64 steps.
template <bool kByK>
struct Box {
  static constexpr int kOuter = kByK ? 128 : 64, kBytes = kOuter * 128;
};
inline constexpr int kBytesOf64 = 64 * 128;  // of 64 rows or columns, either way

// The ring as one thread sees it: the place whose turn is next, and which round it is.
template <class Tile>
class Ring {
 public:
  __device__ __forceinline__ explicit Ring(SharedAddress memory) : memory_(memory) {}
  // By one thread, before all others begin; `fills`: arrivals that make a place full.
  __device__ __forceinline__ void init(int fills, int cluster = 1) const {
    for (int s = 0; s < Tile::kStages; ++s) {
      barrier_init(full(s), fills);
      barrier_init(empty(s), Tile::kConsumerWarps * cluster);
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
  // By all lanes of a multiplying warp: it has left place s, for all who fill it.
  __device__ __forceinline__ void release(int s, int lane, int cluster) const {
    if (cluster == 1) {
      if (lane == 0) barrier_arrive(empty(s));
    } else if (lane < cluster) {
      barrier_arrive_at(empty(s), lane);
    }
  }
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
#pragma unroll
  for (int i = 0; i < kOuter / Box<kByK>::kOuter; ++i) {
    const int at = outer + i * Box<kByK>::kOuter;
    copy_box(to + i * Box<kByK>::kBytes, map, barrier, kByK ? k : at, kByK ? at : k, batch);
  }
}
// A block's part of an operand for both blocks of a cluster.
template <bool kByK, int kOuter>
__device__ __forceinline__ void copy_half_to_both(SharedAddress to, const TensorMap* map, SharedAddress barrier,
                                                  int outer, int k, int batch, int rank) {
  constexpr int kBoxes = kOuter / 2 / Box<kByK>::kOuter;
#pragma unroll
  for (int j = 0; j < kBoxes; ++j) {
    const int i = rank * kBoxes + j, at = outer + i * Box<kByK>::kOuter;
    copy_box_to_all(to + i * Box<kByK>::kBytes, map, barrier, kByK ? k : at, kByK ? at : k, batch, 3);
  }
}

// The 32 bytes (or 16 rows) along k of step `step` of an operand whose tile begins at `tile`.
template <bool kByK>
__device__ __forceinline__ uint64_t operand_descriptor(SharedAddress tile, int step) {
  return kByK ? matrix_descriptor(tile + 32 * step, 16, 1024)
              : matrix_descriptor(tile + 16 * 128 * step, kBytesOf64, 1024);
}

// The multiplying half of a block: its second and third warpgroup.
template <class Tile, class T, bool kAByK, bool kBByK>
__device__ __forceinline__ void multiply_tiles(const WgmmaArgs<T>& args, Ring<Tile> ring, int rank) {
  const int thread = static_cast<int>(threadIdx.x), group = thread / 128 - 1, warp = thread % 128 / 32;
  const int lane = thread % 32, cluster = args.cluster;
  WarpgroupMma<Tile::kN> mma;
  for (int64_t t = blockIdx.x / cluster; t < args.tiles; t += gridDim.x / cluster) {
    const auto tile = args.order.at(t);
    const auto part = args.part(tile.product);
    float sums[Tile::kN / 2];
#pragma unroll
    for (float& x : sums) x = 0;
    mma.hold(sums);
    int last = -1;  // the place whose products may still be going on
    for (int k = part.begin; k < part.end; k += Tile::kDepth, ring.advance()) {
      ring.wait_full();
      mma.begin();
#pragma unroll
      for (int step = 0; step < 4; ++step)
        mma.template multiply<T, kAByK, kBByK>(sums, operand_descriptor<kAByK>(ring.a() + group * kBytesOf64, step),
                                               operand_descriptor<kBByK>(ring.b(), step));
      mma.commit();
      mma.template wait<1>();
      if (last >= 0) ring.release(last, lane, cluster);
      last = ring.stage();
    }
    mma.template wait<0>();
    if (last >= 0) ring.release(last, lane, cluster);

    mma.hold(sums);
    store_fragments<Tile::kN>(args.out, tile.product,
                              (tile.row * cluster + rank) * Tile::kM + group * 64 + warp * 16 + lane / 4,
                              tile.col * Tile::kN + 2 * (lane % 4), sums);
  }
}

template <class Tile, class T, bool kAByK, bool kBByK>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    wgmma_gemm(const __grid_constant__ TensorMap map_a, const __grid_constant__ TensorMap map_b,
               const __grid_constant__ WgmmaArgs<T> args) {
  // Per thread at the start: what the launch bounds leave, in units of 8. The filling warpgroup gives of its share.
  constexpr int kAtFirst = 65536 / Tile::kThreads / 8 * 8, kFilling = 40, kMultiplying = 232;
  static_assert(kFilling + 2 * kMultiplying <= 3 * kAtFirst);
  const int cluster = args.cluster, rank = cluster == 1 ? 0 : cluster_rank();
  Ring<Tile> ring(shared_address(dynamic_shared<char>()));
  if (threadIdx.x == 0) ring.init(1, cluster);
  if (cluster == 1)
    __syncthreads();
  else
    cluster_sync();
  if (threadIdx.x < 128) {
    give_registers<kFilling>();
    if (threadIdx.x != 0) return;
    prefetch_tensor_map(&map_a);
    prefetch_tensor_map(&map_b);
    for (int64_t t = blockIdx.x / cluster; t < args.tiles; t += gridDim.x / cluster) {
      const auto tile = args.order.at(t);
      const auto part = args.part(tile.product);
      const int row = (tile.row * cluster + rank) * Tile::kM, col = tile.col * Tile::kN;
      const int batch_a = args.a_batched ? part.batch : 0, batch_b = args.b_batched ? part.batch : 0;
      for (int k = part.begin; k < part.end; k += Tile::kDepth, ring.advance()) {
        const SharedAddress full = ring.full(ring.stage());
        ring.wait_empty();
        barrier_expect(full, Tile::kStageBytes);
        copy_operand<kAByK, Tile::kM>(ring.a(), &map_a, full, row, k, batch_a);
        if (cluster == 1)
          copy_operand<kBByK, Tile::kN>(ring.b(), &map_b, full, col, k, batch_b);
        else
          copy_half_to_both<kBByK, Tile::kN>(ring.b(), &map_b, full, col, k, batch_b, rank);
      }
    }
    // The other block arrives here, and copies to here, until it has left every place.
    if (cluster > 1)
      for (int s = 0; s < Tile::kStages; ++s, ring.advance()) ring.wait_empty();
  } else {
    take_registers<kMultiplying>();
    multiply_tiles<Tile, T, kAByK, kBByK>(args, ring, rank);
  }
}

}  // namespace tfmini::cuda

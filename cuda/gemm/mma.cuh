// Matrix product by mma.sync, the tensor core instruction of sm_80 and later: bfloat16, float16, and float32 rounded to
// TF32. Tiles of both operands go around the registers into a ring of shared memory (cp.async), kStages - 1 of them on
// their way while one is multiplied. Each warp computes kWarpM x 32 elements.
#pragma once

#include "core/launch.cuh"
#include "core/ptx.cuh"
#include "gemm/fragments.cuh"
#include "gemm/reader.cuh"

namespace tfmini::cuda {

template <int kTileM, int kTileN, int kWarpRows>
struct MmaTile {
  static constexpr int kM = kTileM, kN = kTileN, kStages = 4, kDepthBytes = 64;
  static constexpr int kWarpM = kM / kWarpRows, kWarpN = 32;
  static constexpr int kWarps = kWarpRows * (kN / kWarpN), kThreads = 32 * kWarps;
  static constexpr int kBytesA = kM * kDepthBytes, kBytesB = kN * kDepthBytes;
  static constexpr int kSharedBytes = kStages * (kBytesA + kBytesB);
};

// Bytes from the begin of a tile to a unit of one of its rows (see indices.cuh).
template <class Op, int kOuter>
TFMINI_ALWAYS_INLINE constexpr int unit_in_tile(int row, int unit) {
  constexpr int kSize = sizeof(typename Op::Element);
  if constexpr (Op::kByK) return row * 64 + 16 * swizzle_k(row, unit);
  if constexpr (kSize == 2) return row * kOuter * 2 + 16 * swizzle_outer16(row, unit);
  return row * kOuter * 4 + 16 * swizzle_outer32(row, unit);
}

// Starts the copies of a tile.
template <class Op, int kOuter, class Reader>
__device__ __forceinline__ void copy_tile(CopyGroups& copies, const Reader& reader, const void* anything, bool aligned,
                                          int k, SharedAddress tile) {
  using T = typename Op::Element;
  if (aligned) {
#pragma unroll
    for (int i = 0; i < Reader::kCount; ++i)
      copies.template copy<16>(tile + unit_in_tile<Op, kOuter>(reader.row(i), reader.unit()), reader.at(i, k),
                               anything);
    return;
  }
#pragma unroll 1
  for (int i = 0; i < Reader::kCount; ++i) {
    const SharedAddress to = tile + unit_in_tile<Op, kOuter>(reader.row(i), reader.unit());
#pragma unroll 4
    for (int j = 0; j < Reader::kUnit; ++j) {
      const T* p = reader.element(i, j, k);
      if constexpr (sizeof(T) == 4)
        copies.template copy<4>(to + 4 * j, p, anything);
      else  // the barriers before this tile's turn order the store, too
        store_shared(to + 2 * j, p ? p->bits : uint16_t{0});
    }
  }
}

// 32-bit elements have no transposed load of matrices: one element of A or B for this lane, rounded.
template <class Op, int kOuter>
__device__ __forceinline__ uint32_t element32(SharedAddress tile, int k, int outer) {
  return load_shared(tile + unit_in_tile<Op, kOuter>(k, outer / 4) + 4 * (outer % 4));
}

// 16 rows of A, or 16 columns of B, times 32 bytes along k. The four registers cover [outer 0-7, 8-15] within
// [k first, second half] for A; for B, whose fragment is one column of eight, the other way round.
template <class Op, int kOuter, bool kIsA>
__device__ __forceinline__ void load_fragments(uint32_t (&r)[4], SharedAddress tile, int outer, int step) {
  using T = typename Op::Element;
  const int lane = static_cast<int>(threadIdx.x) % 32, q = lane / 8;
  const int outer_half = kIsA ? q & 1 : q >> 1, k_half = kIsA ? q >> 1 : q & 1;
  if constexpr (Op::kByK) {
    load_matrices(r, tile + unit_in_tile<Op, kOuter>(outer + outer_half * 8 + lane % 8, step * 2 + k_half));
  } else if constexpr (sizeof(T) == 2) {
    load_matrices_transposed(
        r, tile + unit_in_tile<Op, kOuter>(step * 16 + k_half * 8 + lane % 8, outer / 8 + outer_half));
  } else {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int o = kIsA ? i & 1 : i >> 1, h = kIsA ? i >> 1 : i & 1;
      r[i] = element32<Op, kOuter>(tile, step * 8 + h * 4 + lane % 4, outer + o * 8 + lane / 4);
    }
  }
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < 4; ++i) r[i] = round_to_tf32(r[i]);
  }
}

template <class Tile, class A, class B>
__global__ void __launch_bounds__(Tile::kThreads, 256 / Tile::kThreads * 2) mma_gemm(const GemmArgs<A, B> args) {
  using T = typename A::Element;
  constexpr int kDepth = Tile::kDepthBytes / static_cast<int>(sizeof(T)), kStages = Tile::kStages;
  constexpr int kBlocksM = Tile::kWarpM / 16, kStageBytes = Tile::kBytesA + Tile::kBytesB;
  using ReaderA = TileReader<A, Tile::kM, kDepth, Tile::kThreads>;
  using ReaderB = TileReader<B, Tile::kN, kDepth, Tile::kThreads>;

  const auto tile = args.order.at(blockIdx.x);
  const auto part = args.part(tile.product);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32;
  constexpr int kWarpCols = Tile::kN / Tile::kWarpN;
  const int warp_m = warp / kWarpCols * Tile::kWarpM, warp_n = warp % kWarpCols * Tile::kWarpN;
  const SharedAddress ring = shared_address(dynamic_shared<char>());

  const ReaderA a(part.a, tile.row * Tile::kM, thread);
  const ReaderB b(part.b, tile.col * Tile::kN, thread);
  CopyGroups copies;
  const int steps = ceil_div(part.end - part.begin, kDepth);
  const auto copy = [&](int s) {
    if (s < steps) {
      const SharedAddress stage = ring + s % kStages * kStageBytes;
      const int k = part.begin + s * kDepth;
      copy_tile<A, Tile::kM>(copies, a, part.a.data, args.a_aligned, k, stage);
      copy_tile<B, Tile::kN>(copies, b, part.b.data, args.b_aligned, k, stage + Tile::kBytesA);
    }
    copies.commit();  // also when empty: waiting counts groups
  };

  float sums[kBlocksM][Tile::kWarpN / 2] = {};  // as gemm/fragments.cuh says
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) copy(s);
  for (int s = 0; s < steps; ++s) {
    copies.template wait<kStages - 2>();
    // Tile s is there for all, and all have left tile s - 1, whose place is taken next.
    __syncthreads();
    copy(s + kStages - 1);
    const SharedAddress stage = ring + s % kStages * kStageBytes;
#pragma unroll
    for (int step = 0; step < Tile::kDepthBytes / 32; ++step) {
      uint32_t av[kBlocksM][4], bv[2][4];
#pragma unroll
      for (int j = 0; j < 2; ++j)
        load_fragments<B, Tile::kN, false>(bv[j], stage + Tile::kBytesA, warp_n + 16 * j, step);
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) load_fragments<A, Tile::kM, true>(av[i], stage, warp_m + 16 * i, step);
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const uint32_t bj[2] = {bv[j / 2][2 * (j % 2)], bv[j / 2][2 * (j % 2) + 1]};
          mma<T>(&sums[i][4 * j], av[i], bj);
        }
    }
  }

  const int lane = thread % 32;
#pragma unroll
  for (int i = 0; i < kBlocksM; ++i)
    store_fragments<Tile::kWarpN>(args.out, tile.product, tile.row * Tile::kM + warp_m + 16 * i + lane / 4,
                                  tile.col * Tile::kN + warp_n + 2 * (lane % 4), sums[i]);
}

}  // namespace tfmini::cuda

// Matrix product by ordinary multiply-adds: float32 at full precision, float64. A block of 256 threads computes a tile
// kM x kN; a thread computes runs of 16 bytes, kRows x kCols elements in all, so that a step along k reads
// kRows + kCols elements of shared memory for kRows * kCols multiply-adds. The next tile is on its way to registers
// while this one is computed.
#pragma once

#include "core/launch.cuh"
#include "gemm/args.cuh"
#include "gemm/reader.cuh"

namespace tfmini::cuda {

template <int kTileM, int kTileN>
struct SimtTile {
  static constexpr int kM = kTileM, kN = kTileN, kDepth = 16, kThreads = 256;
  static constexpr int kRows = kM / 16, kCols = kN / 16;
};

// One operand's tiles: from global memory to registers, from there to shared memory as [k][outer].
template <class Op, int kOuter, int kDepth>
struct SimtStage {
  using T = typename Op::Element;
  using Reader = TileReader<Op, kOuter, kDepth, 256>;
  static constexpr int kUnit = Reader::kUnit;
  // Rows begin at multiples of 16 bytes, and not all in the same bank.
  static constexpr int kLd = kOuter + kUnit;
  static constexpr int kElements = kDepth * kLd;

  Reader reader;
  bool aligned;
  Unit<T> units[Reader::kCount];

  // What is not aligned is not fetched ahead: put() takes it element by element, in little code.
  __device__ void fetch(int k) {
    if (!aligned) return;
#pragma unroll
    for (int i = 0; i < Reader::kCount; ++i) {
      const T* p = reader.at(i, k);
      units[i] = p ? *reinterpret_cast<const Unit<T>*>(p) : Unit<T>{};
    }
  }
  __device__ void put(int k, T* tile) const {
    if (!aligned) {
#pragma unroll 1
      for (int i = 0; i < Reader::kCount; ++i)
#pragma unroll
        for (int j = 0; j < kUnit; ++j) {
          const T* p = reader.element(i, j, k);
          *place(tile, i, j) = p ? *p : T(0);
        }
      return;
    }
#pragma unroll
    for (int i = 0; i < Reader::kCount; ++i) {
      if constexpr (Op::kByK) {
#pragma unroll
        for (int j = 0; j < kUnit; ++j) *place(tile, i, j) = units[i].v[j];
      } else {
        *reinterpret_cast<Unit<T>*>(place(tile, i, 0)) = units[i];
      }
    }
  }
  __device__ T* place(T* tile, int i, int j) const {
    const int row = reader.row(i), col = reader.unit() * kUnit + j;
    return tile + (Op::kByK ? col * kLd + row : row * kLd + col);
  }
};

template <class Tile, class A, class B>
constexpr int simt_shared_bytes() {
  using T = typename A::Element;
  return 2 * static_cast<int>(sizeof(T)) *
         (SimtStage<A, Tile::kM, Tile::kDepth>::kElements + SimtStage<B, Tile::kN, Tile::kDepth>::kElements);
}

template <class Tile, class A, class B>
__global__ void __launch_bounds__(256) simt_gemm(const GemmArgs<A, B> args) {
  using T = typename A::Element;
  using StageA = SimtStage<A, Tile::kM, Tile::kDepth>;
  using StageB = SimtStage<B, Tile::kN, Tile::kDepth>;
  constexpr int kUnit = Unit<T>::kSize, kRows = Tile::kRows, kCols = Tile::kCols;
  T* const shared = dynamic_shared<T>();
  const auto tile_a = [=](int s) { return shared + (s & 1) * StageA::kElements; };
  const auto tile_b = [=](int s) { return shared + 2 * StageA::kElements + (s & 1) * StageB::kElements; };

  const auto tile = args.order.at(blockIdx.x);
  const auto part = args.part(tile.product);
  const int thread = static_cast<int>(threadIdx.x), x = thread % 16, y = thread / 16;
  StageA a{{part.a, tile.row * Tile::kM, thread}, args.a_aligned, {}};
  StageB b{{part.b, tile.col * Tile::kN, thread}, args.b_aligned, {}};

  T sums[kRows][kCols] = {};
  const int steps = ceil_div(part.end - part.begin, Tile::kDepth);
  if (steps > 0) {
    a.fetch(part.begin);
    b.fetch(part.begin);
    a.put(part.begin, tile_a(0));
    b.put(part.begin, tile_b(0));
  }
  __syncthreads();
  for (int s = 0; s < steps; ++s) {
    const bool more = s + 1 < steps;
    const int next = part.begin + (s + 1) * Tile::kDepth;
    if (more) {
      a.fetch(next);
      b.fetch(next);
    }
    // Thread (x, y) has run i at row i * 16 * kUnit + y * kUnit, and columns likewise.
    const T* const as = tile_a(s) + y * kUnit;
    const T* const bs = tile_b(s) + x * kUnit;
#pragma unroll
    for (int k = 0; k < Tile::kDepth; ++k) {
      Unit<T> av[kRows / kUnit], bv[kCols / kUnit];
#pragma unroll
      for (int i = 0; i < kRows / kUnit; ++i)
        av[i] = *reinterpret_cast<const Unit<T>*>(as + k * StageA::kLd + i * 16 * kUnit);
#pragma unroll
      for (int i = 0; i < kCols / kUnit; ++i)
        bv[i] = *reinterpret_cast<const Unit<T>*>(bs + k * StageB::kLd + i * 16 * kUnit);
#pragma unroll
      for (int i = 0; i < kRows; ++i)
#pragma unroll
        for (int j = 0; j < kCols; ++j) sums[i][j] += av[i / kUnit].v[i % kUnit] * bv[j / kUnit].v[j % kUnit];
    }
    if (more) {  // the other half of shared memory, which all threads have left at the last barrier
      a.put(next, tile_a(s + 1));
      b.put(next, tile_b(s + 1));
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const int row = tile.row * Tile::kM + (i / kUnit) * 16 * kUnit + y * kUnit + i % kUnit;
#pragma unroll
    for (int j = 0; j < kCols / kUnit; ++j) {
      T run[kUnit];
#pragma unroll
      for (int q = 0; q < kUnit; ++q) run[q] = sums[i][j * kUnit + q];
      store_sums<kUnit, T>(args.out, tile.product, row, tile.col * Tile::kN + (j * 16 + x) * kUnit, run);
    }
  }
}

}  // namespace tfmini::cuda

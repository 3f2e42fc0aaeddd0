// The product of sm_90a with an A that no tensor map describes, a convolution's windows: the filling warpgroup's
// threads copy A in units of 16 bytes to where the copy engine would have put them, while the engine brings B.
#pragma once

#include "gemm/reader.cuh"
#include "gemm/wgmma.cuh"

namespace tfmini::cuda {

// B as the copy engine reads it: a matrix of all products' columns, or a filter [taps, in, out] whose rows along k are
// pieces of the taps that count.
struct BoxedB {
  int batch = 0;  // columns (of the filter: output channels) from one product to the next
  bool by_taps = false;
  FastDiv channels, taps_w;
  int first_tap = 0, tap_h = 0, tap_w = 0;

  template <bool kByK, int kOuter>
  __device__ __forceinline__ void copy(SharedAddress to, const TensorMap* map, SharedAddress barrier, int outer, int k,
                                       int product) const {
    if (kByK && by_taps) {
      const int tap = channels.divide(k), y = taps_w.divide(tap);
      copy_box(to, map, barrier, k - tap * channels.divisor() + product * batch, outer,
               first_tap + y * tap_h + (tap - y * taps_w.divisor()) * tap_w);
    } else {
      copy_operand<kByK, kOuter>(to, map, barrier, outer + product * batch, k, 0);
    }
  }
};

template <class A>
struct GatherArgs {
  WgmmaArgs<typename A::Element> product;
  typename A::Matrix a;
  int64_t a_batch = 0;
  BoxedB b;
};

// Where a unit of A belongs, in the layout that operand_descriptor() describes.
template <class A>
TFMINI_ALWAYS_INLINE constexpr int gathered_unit(int row, int unit) {
  return (A::kByK ? 0 : unit / 8 * kBytesOf64) + row * 128 + 16 * swizzle_128b(row, unit % 8);
}

template <class Tile, class A, bool kBByK>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    wgmma_gather(const __grid_constant__ TensorMap map_b, const __grid_constant__ GatherArgs<A> args) {
  using T = typename A::Element;
  using Reader = TileReader<A, Tile::kM, Tile::kDepth, 128>;
  // Places of the ring that are being filled; the others are full or being multiplied.
  constexpr int kFilling = 3;
  static_assert(kFilling < Tile::kStages);
  Ring<Tile> ring(shared_address(dynamic_shared<char>()));
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) ring.init(128 + 1);  // each filling thread, and the announcement of B
  __syncthreads();
  if (thread >= 128) return multiply_tiles<Tile, T, A::kByK, kBByK>(args.product, ring, 0);

  CopyGroups copies;
  Ring<Tile> oldest = ring;  // of those being filled
  int filling = 0;
  const auto finish_oldest = [&] {
    fence_async();
    barrier_arrive(oldest.full(oldest.stage()));
    oldest.advance();
    --filling;
  };
  for (int64_t t = blockIdx.x; t < args.product.tiles; t += gridDim.x) {
    const auto tile = args.product.order.at(t);
    const auto part = args.product.part(tile.product);
    auto a = args.a;
    a.data += part.batch * args.a_batch;
    const Reader reader(a, tile.row * Tile::kM, thread);
    for (int k = part.begin; k < part.end; k += Tile::kDepth, ring.advance()) {
      ring.wait_empty();
      if (thread == 0) {
        const SharedAddress full = ring.full(ring.stage());
        barrier_expect(full, Tile::kBytesB);
        args.b.template copy<kBByK, Tile::kN>(ring.b(), &map_b, full, tile.col * Tile::kN, k, part.batch);
      }
#pragma unroll
      for (int i = 0; i < Reader::kCount; ++i)
        copies.template copy<16>(ring.a() + gathered_unit<A>(reader.row(i), reader.unit()), reader.at(i, k), a.data);
      copies.commit();
      if (++filling == kFilling) {
        copies.template wait<kFilling - 1>();
        finish_oldest();
      }
    }
  }
  copies.template wait<0>();
  while (filling > 0) finish_oldest();
}

}  // namespace tfmini::cuda

#pragma once

#include "gemm/run.cuh"
#include "gemm/simt.cuh"

namespace tfmini::cuda {

template <class Tile, class A, class B>
void launch_simt_tile(const GemmArgs<A, B>& args, int64_t tiles, cudaStream_t stream) {
  launch(simt_gemm<Tile, A, B>, dim3(static_cast<unsigned>(tiles)), dim3(Tile::kThreads),
         simt_shared_bytes<Tile, A, B>(), stream, args);
}

template <class A, class B>
void launch_simt(const GemmArgs<A, B>& args, const GemmPlan& plan, int64_t tiles, cudaStream_t stream) {
  if constexpr (sizeof(typename A::Element) == 4)
    if (plan.tile_m == 128) return launch_simt_tile<SimtTile<128, 128>>(args, tiles, stream);
  launch_simt_tile<SimtTile<64, 64>>(args, tiles, stream);
}

}  // namespace tfmini::cuda

#pragma once

#include "gemm/mma.cuh"
#include "gemm/run.cuh"

namespace tfmini::cuda {

template <class Tile, class A, class B>
void launch_mma_tile(const GemmArgs<A, B>& args, int64_t tiles, cudaStream_t stream) {
  launch(mma_gemm<Tile, A, B>, dim3(static_cast<unsigned>(tiles)), dim3(Tile::kThreads), Tile::kSharedBytes, stream,
         args);
}

template <class A, class B>
void launch_mma(const GemmArgs<A, B>& args, const GemmPlan& plan, int64_t tiles, cudaStream_t stream) {
  if (plan.tile_m == 128)
    launch_mma_tile<MmaTile<128, 128, 2>>(args, tiles, stream);
  else
    launch_mma_tile<MmaTile<64, 64, 2>>(args, tiles, stream);
}

}  // namespace tfmini::cuda

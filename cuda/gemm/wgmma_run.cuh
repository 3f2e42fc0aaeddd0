// Declares what wgmma_*.cu instantiate, without the kernels.
#pragma once

#include "gemm/gemm.cuh"

namespace tfmini::cuda {

// Runs the product on sm_90a; false (and nothing launched) if its operands do not allow that.
template <class T>
bool run_wgmma(const Place& place, const Gemm<T>& g, const GemmPlan& plan);

}  // namespace tfmini::cuda

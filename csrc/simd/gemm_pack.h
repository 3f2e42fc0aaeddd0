// Copies a strip of a matrix into a panel: for each of k steps, the `width` lanes next to each
// other. For A a lane is a row, for B a column; the width is that of the micro-kernel's tile. Lanes
// beyond `lanes` hold values nobody uses. 16-bit floats become float.
#pragma once

#include <cstdint>

#include "core/half.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// Reads src[lane * lane_stride + step * step_stride], writes panel[step * width + lane].
template <class S, class T>
using PackFn = void (*)(const S* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps, T* panel);

template <class S, class T>
struct GemmPackers {
  PackFn<S, T> a;
  PackFn<S, T> b;
  PackFn<S, T> b_wide;  // for wide tiles; null for 16-bit floats
};

struct GemmPackTable {
  GemmPackers<float, float> f32;
  GemmPackers<double, double> f64;
  GemmPackers<Half, float> f16;
  GemmPackers<BFloat16, float> bf16;
};

TFMINI_SIMD_TABLE(GemmPackTable, gemm_pack_table)

}  // namespace tfmini::simd

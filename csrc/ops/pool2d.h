// Geometry of two-dimensional pooling, shared by the CPU and CUDA kernels.
#pragma once

#include "ops/conv2d.h"

namespace tfmini {

struct PoolGeometry {
  int64_t batch = 0;
  int64_t channels = 0;
  WindowAxis h, w;
  bool nchw = false;

  int64_t in_pixels() const { return h.in * w.in; }
  int64_t out_pixels() const { return h.out * w.out; }
};

// For an input of this shape, which may be partly unknown (-1). Throws unless windows fit.
PoolGeometry pool_geometry(const Window2D& window, const Shape& input);

// The part of a window that lies inside the image: inputs [begin, end) of one axis.
struct WindowRange {
  int64_t begin, end;
};
TFMINI_ALWAYS_INLINE WindowRange inside(const WindowAxis& a, int64_t out) {
  const int64_t first = a.first(out), last = first + a.kernel;
  return {first < 0 ? 0 : first, last > a.in ? a.in : last};
}
// Outputs [begin, end) whose windows hold input `in`.
TFMINI_ALWAYS_INLINE WindowRange windows_over(const WindowAxis& a, int64_t in) {
  const int64_t low = in + a.pad - a.kernel + 1;  // first window that reaches so far
  const int64_t begin = low <= 0 ? 0 : (low + a.stride - 1) / a.stride;
  const int64_t end = (in + a.pad) / a.stride + 1;
  return {begin, end > a.out ? a.out : end};
}

}  // namespace tfmini

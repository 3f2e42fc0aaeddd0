// Where the windows of a convolution or pooling lie. Plain numbers, decided on the host by
// ops/conv2d.h and read by the kernels of every device.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace tfmini {

// One spatial dimension: output o looks at inputs o * stride - pad + k * dilation, k in [0, kernel),
// where those are in [0, in).
struct WindowAxis {
  int64_t in = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  // before the first input; may exceed the kernel when given explicitly
  int64_t out = 0;

  bool operator==(const WindowAxis&) const = default;
  TFMINI_ALWAYS_INLINE int64_t first(int64_t o) const { return o * stride - pad; }
};

// Images of `in_channels` become images of `out_channels`, in `groups` independent slices.
struct ConvGeometry {
  int64_t batch = 0;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t groups = 1;
  WindowAxis h, w;
  bool nchw = false;

  bool operator==(const ConvGeometry&) const = default;
  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  // Products per output element.
  int64_t depth() const { return h.kernel * w.kernel * group_in(); }
  bool empty() const {
    return batch * in_channels * out_channels * h.in * w.in * h.out * w.out * h.kernel * w.kernel == 0;
  }
};

// Windows over images, channel by channel.
struct PoolGeometry {
  int64_t batch = 0;
  int64_t channels = 0;
  WindowAxis h, w;
  bool nchw = false;

  int64_t in_pixels() const { return h.in * w.in; }
  int64_t out_pixels() const { return h.out * w.out; }
};

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

// A convolution's windows as the matrix kernels see them.
#pragma once

#include <algorithm>
#include <numeric>

#include "conv/geometry.h"
#include "gemm/operands.cuh"

namespace tfmini::cuda {

inline PatchAxis forward_axis(const WindowAxis& w) {
  return {static_cast<int>(w.in),     static_cast<int>(w.out),      static_cast<int>(w.kernel),
          static_cast<int>(w.stride), static_cast<int>(w.dilation), static_cast<int>(-w.pad)};
}

// The gradient of the input along one axis. Inputs phase, phase + stride, ... have the same taps in use: every
// `tap_step`-th from `first_tap`, and each of them one output further back than the tap before it (or dilation / gcd
// outputs). So each phase is a convolution of the output's gradient with stride 1.
struct GradPhase {
  PatchAxis axis;
  int first_tap = 0, tap_step = 1;
};

inline GradPhase input_grad_axis(const WindowAxis& w, int64_t phase) {
  GradPhase p;
  const int64_t common = std::gcd(w.stride, w.dilation), tap_step = w.stride / common;
  p.tap_step = static_cast<int>(tap_step);
  p.axis.size = static_cast<int>(w.out);
  p.axis.out = static_cast<int>(std::max<int64_t>(0, (w.in - phase + w.stride - 1) / w.stride));
  p.axis.taps = 0;
  // Input i = phase + j * stride is what output o reads at tap k if i = o * stride - pad + k * dilation.
  for (int64_t k = 0; k < std::min(tap_step, w.kernel); ++k) {
    const int64_t distance = phase + w.pad - k * w.dilation;  // = (o - j) * stride
    if (distance % w.stride != 0) continue;
    p.first_tap = static_cast<int>(k);
    p.axis.taps = static_cast<int>((w.kernel - k + tap_step - 1) / tap_step);
    p.axis.step = static_cast<int>(-(w.dilation / common));
    p.axis.origin = static_cast<int>(distance / w.stride);
    break;
  }
  return p;
}

}  // namespace tfmini::cuda

// Convolution and its input gradient as correlations, or products of matrices.
#include "conv/conv.h"

#include "conv/correlate.h"
#include "conv/panels.h"
#include "conv/pointwise.h"
#include "conv/scatter.h"

namespace tfmini::conv {

AxisTaps forward_taps(const WindowAxis& a) {
  AxisTaps t;
  t.count = a.out;
  t.step = a.stride;
  for (int64_t k = 0; k < a.kernel; ++k) t.taps.push_back({k * a.dilation - a.pad, k});
  return t;
}

AxisTaps gradient_taps(const WindowAxis& a, int64_t phase) {
  AxisTaps t;
  t.first = phase;
  t.every = a.stride;
  t.count = phase < a.in ? ceil_div(a.in - phase, a.stride) : 0;
  for (int64_t k = a.kernel - 1; k >= 0; --k) {
    const int64_t distance = phase + a.pad - k * a.dilation;
    if (distance % a.stride == 0) t.taps.push_back({distance / a.stride, k});
  }
  return t;
}

template <class T>
void forward(const ConvGeometry& g, const T* input, const T* filter, T* output, const Epilogue<T>& epilogue,
             Tensor* packed) {
  const int64_t n = g.out_channels;
  if (!g.empty() && is_pointwise(g) && !packed && !epilogue.scale && !epilogue.finishes())
    return pointwise_forward(g, input, filter, output);
  correlate<T>({g.batch,
                g.groups,
                {input, g.h.in, g.w.in, g.in_channels, g.nchw},
                output,
                g.h.out,
                g.w.out,
                n,
                forward_taps(g.h),
                forward_taps(g.w),
                {filter, g.w.kernel, g.group_in() * n, g.group_out(), n, 1},
                epilogue,
                packed});
}

template <class T>
void input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  if (!g.empty() && is_strided_pointwise(g)) return pointwise_input_grad(g, filter, grad, dinput);
  if (!g.empty() && scatter_wins<T>(g)) return scatter_input_grad(g, filter, grad, dinput);
  const int64_t n = g.out_channels;
  for (int64_t y = 0; y < std::min(g.h.stride, g.h.in); ++y)
    for (int64_t x = 0; x < std::min(g.w.stride, g.w.in); ++x)
      correlate<T>({g.batch,
                    g.groups,
                    {grad, g.h.out, g.w.out, n, g.nchw},
                    dinput,
                    g.h.in,
                    g.w.in,
                    g.in_channels,
                    gradient_taps(g.h, y),
                    gradient_taps(g.w, x),
                    {filter, g.w.kernel, g.group_in() * n, g.group_out(), 1, n}});
}

template void forward(const ConvGeometry&, const float*, const float*, float*, const Epilogue<float>&, Tensor*);
template void forward(const ConvGeometry&, const double*, const double*, double*, const Epilogue<double>&, Tensor*);
template void input_grad(const ConvGeometry&, const float*, const float*, float*);
template void input_grad(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tfmini::conv

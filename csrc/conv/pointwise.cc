#include "conv/pointwise.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/tensor.h"
#include "gemm/gemm.h"

namespace tfmini::conv {
namespace {

// The pixels [batch, h.out, w.out] that a strided convolution sees, side by side.
template <class T>
Tensor seen_pixels(const ConvGeometry& g, const T* input) {
  Tensor seen(dtype_of<T>, Shape{g.batch * g.h.out * g.w.out * g.in_channels});
  T* const out = seen.template data<T>();
  const int64_t c = g.in_channels, row = g.w.out * c;
  parallel_for(g.batch * g.h.out, grain_for_bytes(2 * row * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* const from = input + (r / g.h.out * g.h.in + r % g.h.out * g.h.stride) * g.w.in * c;
      for (int64_t x = 0; x < g.w.out; ++x) std::copy_n(from + x * g.w.stride * c, c, out + r * row + x * c);
    }
  });
  return seen;
}

// The image whose seen pixels these are, zero elsewhere.
template <class T>
void spread_pixels(const ConvGeometry& g, const T* seen, T* image) {
  const int64_t c = g.in_channels, row = g.w.in * c, step = g.w.stride * c;
  parallel_for(g.batch * g.h.in, grain_for_bytes(2 * row * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t y = r % g.h.in;
      T* to = image + r * row;
      T* const last = to + row;
      if (y % g.h.stride == 0 && y / g.h.stride < g.h.out) {
        const T* from = seen + (r / g.h.in * g.h.out + y / g.h.stride) * g.w.out * c;
        for (int64_t x = 0; x < g.w.out; ++x, from += c, to += std::min<int64_t>(step, last - to)) {
          std::copy_n(from, c, to);
          std::fill(to + c, to + std::min<int64_t>(step, last - to), T(0));
        }
      }
      std::fill(to, last, T(0));
    }
  });
}

bool one_tap(const WindowAxis& a) { return a.kernel == 1 && a.pad == 0 && a.first(a.out - 1) < a.in; }

}  // namespace

bool is_strided_pointwise(const ConvGeometry& g) {
  return g.groups == 1 && one_tap(g.h) && one_tap(g.w) && (!g.nchw || is_pointwise(g));
}

bool is_pointwise(const ConvGeometry& g) {
  return g.groups == 1 && one_tap(g.h) && one_tap(g.w) && g.h.out == g.h.in && g.w.out == g.w.in;
}

template <class T>
void pointwise_forward(const ConvGeometry& g, const T* input, const T* filter, T* output) {
  const int64_t c = g.in_channels, k = g.out_channels, pixels = g.h.in * g.w.in;
  if (!g.nchw) return gemm(g.batch * pixels, k, c, row_major(input, c), row_major(filter, k), output, k);
  for (int64_t n = 0; n < g.batch; ++n)
    gemm(k, pixels, c, row_major(filter, k, true), row_major(input + n * c * pixels, pixels), output + n * k * pixels,
         pixels);
}

template <class T>
void pointwise_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  const int64_t c = g.in_channels, k = g.out_channels, pixels = g.h.out * g.w.out;
  if (!g.nchw) {
    const auto product = [&](T* to) {
      gemm(g.batch * pixels, c, k, row_major(grad, k), row_major(filter, k, true), to, c);
    };
    if (is_pointwise(g)) return product(dinput);
    Tensor seen(dtype_of<T>, Shape{g.batch * pixels * c});
    product(seen.template data<T>());
    return spread_pixels(g, seen.template data<T>(), dinput);
  }
  for (int64_t n = 0; n < g.batch; ++n)
    gemm(c, pixels, k, row_major(filter, k), row_major(grad + n * k * pixels, pixels), dinput + n * c * pixels, pixels);
}

template <class T>
void pointwise_filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter) {
  const int64_t c = g.in_channels, k = g.out_channels, pixels = g.h.out * g.w.out;
  if (!g.nchw) {
    const Tensor seen = is_pointwise(g) ? Tensor() : seen_pixels(g, input);
    const T* const x = seen.defined() ? seen.data<T>() : input;
    return gemm(c, k, g.batch * pixels, row_major(x, c, true), row_major(grad, k), dfilter, k);
  }
  for (int64_t n = 0; n < g.batch; ++n)
    gemm(c, k, pixels, row_major(input + n * c * pixels, pixels), row_major(grad + n * k * pixels, pixels, true),
         dfilter, k, {.accumulate = n > 0});
}

template void pointwise_forward(const ConvGeometry&, const float*, const float*, float*);
template void pointwise_forward(const ConvGeometry&, const double*, const double*, double*);
template void pointwise_input_grad(const ConvGeometry&, const float*, const float*, float*);
template void pointwise_input_grad(const ConvGeometry&, const double*, const double*, double*);
template void pointwise_filter_grad(const ConvGeometry&, const float*, const float*, float*);
template void pointwise_filter_grad(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tfmini::conv

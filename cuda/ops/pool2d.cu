// MaxPool, AvgPool and their gradients: a thread per element. As on the CPU, the gradient of max pooling finds each
// window's winner again and gathers, so that it needs no atomics. With winners that are given, gradients are added up
// in order by core/fold_rows.cuh.
#include "ops/pool2d.h"

#include <limits>

#include "core/elements.h"
#include "core/fold_rows.cuh"
#include "core/launch.cuh"
#include "core/quotient.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

struct Position {
  int64_t image, y, x, channel;
};

// Element i of images of this size; threads next to each other have elements next to each other.
__device__ __forceinline__ Position locate(const PoolGeometry& g, int64_t height, int64_t width, int64_t i) {
  Position p;
  if (!g.nchw) {
    const int64_t pixel = split(i, g.channels);
    p.channel = i;
    i = pixel;
  }
  p.image = split(i, height * width * (g.nchw ? g.channels : 1));
  if (g.nchw) p.channel = split(i, height * width);
  p.y = split(i, width);
  p.x = i;
  return p;
}
__device__ __forceinline__ int64_t index(const PoolGeometry& g, int64_t height, int64_t width, const Position& p) {
  return g.nchw ? ((p.image * g.channels + p.channel) * height + p.y) * width + p.x
                : ((p.image * height + p.y) * width + p.x) * g.channels + p.channel;
}

// fn(y, x, element of the input) for the window of an output position.
template <class T, class Fn>
__device__ __forceinline__ void each_tap(const PoolGeometry& g, const T* in, const Position& out, const Fn& fn) {
  const WindowRange h = inside(g.h, out.y), w = inside(g.w, out.x);
  for (int64_t y = h.begin; y < h.end; ++y)
    for (int64_t x = w.begin; x < w.end; ++x)
      fn(y, x, widen(in[index(g, g.h.in, g.w.in, {out.image, y, x, out.channel})]));
}

template <class T>
__global__ void __launch_bounds__(kThreads) max_pool(PoolGeometry g, const T* in, T* out, int64_t n) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= n) return;
  C best = std::numeric_limits<C>::lowest();
  each_tap(g, in, locate(g, g.h.out, g.w.out, i), [&](int64_t, int64_t, C x) { best = x > best ? x : best; });
  out[i] = narrow<T>(best);
}

template <class T>
__global__ void __launch_bounds__(kThreads) average_pool(PoolGeometry g, const T* in, T* out, int64_t n) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= n) return;
  C sum = C(0), count = C(0);
  each_tap(g, in, locate(g, g.h.out, g.w.out, i), [&](int64_t, int64_t, C x) {
    sum += x;
    count += C(1);
  });
  out[i] = narrow<T>(sum * (C(1) / count));
}

// The first element of a window that no later one exceeds.
struct Winner {
  int64_t y = -1, x = -1;
};
template <class T>
__device__ __forceinline__ Winner winner(const PoolGeometry& g, const T* in, const Position& out) {
  using C = ComputeType<T>;
  Winner w;
  C best = C(0);
  each_tap(g, in, out, [&](int64_t y, int64_t x, C v) {
    if (w.y >= 0 && !(v > best)) return;
    best = v;
    w = {y, x};
  });
  return w;
}

template <class T>
__global__ void __launch_bounds__(kThreads) max_pool_grad(PoolGeometry g, const T* in, const T* dy, T* dx, int64_t n) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= n) return;
  const Position p = locate(g, g.h.in, g.w.in, i);
  const WindowRange h = windows_over(g.h, p.y), w = windows_over(g.w, p.x);
  C sum = C(0);
  for (int64_t y = h.begin; y < h.end; ++y)
    for (int64_t x = w.begin; x < w.end; ++x) {
      const Position out{p.image, y, x, p.channel};
      const Winner win = winner(g, in, out);
      if (win.y == p.y && win.x == p.x) sum += widen(dy[index(g, g.h.out, g.w.out, out)]);
    }
  dx[i] = narrow<T>(sum);
}

// What the winners of another image's windows are in this one.
template <class T>
__global__ void __launch_bounds__(kThreads)
    max_pool_grad_grad(PoolGeometry g, const T* in, const T* image, T* out, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const Position p = locate(g, g.h.out, g.w.out, i);
  const Winner win = winner(g, in, p);
  out[i] = image[index(g, g.h.in, g.w.in, {p.image, win.y, win.x, p.channel})];
}

// Winners as numbers of elements, of their image or of all images.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    max_pool_with_argmax(PoolGeometry g, const T* in, I* argmax, bool of_all, T* out, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const Position p = locate(g, g.h.out, g.w.out, i);
  const Winner win = winner(g, in, p);
  const int64_t at = index(g, g.h.in, g.w.in, {p.image, win.y, win.x, p.channel});
  out[i] = in[at];
  argmax[i] = static_cast<I>(of_all ? at : at - p.image * g.h.in * g.w.in * g.channels);
}

// Numbers of elements of all images; those outside of their image become -1.
template <class I>
__global__ void __launch_bounds__(kThreads)
    number_through(const I* argmax, int64_t* out, int64_t pooled, int64_t elements, bool of_all, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t first = i / pooled * elements, at = static_cast<int64_t>(argmax[i]) - (of_all ? first : 0);
  out[i] = at >= 0 && at < elements ? first + at : -1;
}

template <class T>
__global__ void __launch_bounds__(kThreads) average_pool_grad(PoolGeometry g, const T* dy, T* dx, int64_t n) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= n) return;
  const Position p = locate(g, g.h.in, g.w.in, i);
  const WindowRange h = windows_over(g.h, p.y), w = windows_over(g.w, p.x);
  C sum = C(0);
  for (int64_t y = h.begin; y < h.end; ++y)
    for (int64_t x = w.begin; x < w.end; ++x) {
      const WindowRange ih = inside(g.h, y), iw = inside(g.w, x);
      const C scale = C(1) / static_cast<C>((ih.end - ih.begin) * (iw.end - iw.begin));
      sum += widen(dy[index(g, g.h.out, g.w.out, {p.image, y, x, p.channel})]) * scale;
    }
  dx[i] = narrow<T>(sum);
}

// One thread per element of the output. `image`: the shape of the pooled images.
template <class T, class Kernel, class... In>
void pool(KernelContext& c, Kernel* kernel, const Window2D& window, const Shape& image, const In*... in) {
  const int64_t n = c.output(0).num_elements();
  if (n > 0) launch(kernel, blocks_for(n), kThreads, 0, stream(c), pool_geometry(window, image), in..., c.out<T>(0), n);
}

template <class T>
struct MaxPool {
  Window2D window;
  explicit MaxPool(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const { pool<T>(c, &max_pool<T>, window, c.input(0).shape(), c.in<T>(0)); }
};

template <class T>
struct AvgPool {
  Window2D window;
  explicit AvgPool(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const { pool<T>(c, &average_pool<T>, window, c.input(0).shape(), c.in<T>(0)); }
};

template <class T>
struct MaxPoolGrad {
  Window2D window;
  explicit MaxPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    pool<T>(c, &max_pool_grad<T>, window, c.input(0).shape(), c.in<T>(0), c.in<T>(2));
  }
};

template <class T>
struct MaxPoolGradGrad {
  Window2D window;
  explicit MaxPoolGradGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    pool<T>(c, &max_pool_grad_grad<T>, window, c.input(0).shape(), c.in<T>(0), c.in<T>(2));
  }
};

template <class T>
struct MaxPoolWithArgmax {
  Window2D window;
  bool of_all;
  explicit MaxPoolWithArgmax(const Attrs& attrs) : window(attrs), of_all(attrs.flag("include_batch_in_index")) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    if (n == 0) return;
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    with_index(c.output_dtype(1), [&]<class I>(std::type_identity<I>) {
      if constexpr (sizeof(I) >= 4)
        launch(&max_pool_with_argmax<T, I>, blocks_for(n), kThreads, 0, stream(c), g, c.in<T>(0), c.out<I>(1), of_all,
               c.out<T>(0), n);
    });
  }
};

template <class T>
struct MaxPoolGradWithArgmax {
  bool of_all;
  explicit MaxPoolGradWithArgmax(const Attrs& attrs) : of_all(attrs.flag("include_batch_in_index")) {}
  void operator()(KernelContext& c) const {
    const Tensor &grad = c.input(1), &argmax = c.input(2);
    Tensor& out = c.output(0);
    const int64_t elements = out.num_elements(), n = grad.num_elements();
    if (elements == 0) return;
    check_cuda(cudaMemsetAsync(out.raw(), 0, out.bytes(), stream(c)), "filling a tensor");
    if (n == 0) return;
    Tensor numbers = c.scratch(DType::kInt64, Shape{n});
    with_index(argmax.dtype(), [&]<class I>(std::type_identity<I>) {
      launch(&number_through<I>, blocks_for(n), kThreads, 0, stream(c), argmax.data<I>(), numbers.data<int64_t>(),
             n / out.dim(0), elements / out.dim(0), of_all, n);
    });
    const SortedRows rows(c, numbers, Shape{elements});
    FoldArgs<T> a{};
    a.lists = rows.lists();
    a.updates = grad.data<T>();
    a.out = out.data<T>();
    a.width = 1;
    a.how = Fold::kAdd;
    run_fold(c, a);
  }
};

template <class T>
struct AvgPoolGrad {
  Window2D window;
  explicit AvgPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    pool<T>(c, &average_pool_grad<T>, window, c.output(0).shape(), c.in<T>(1));
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_pool2d_cuda(Registry& r) {
  constexpr auto gpu = DeviceKind::kCUDA;
  r.kernels<cuda::MaxPool>("MaxPool", gpu, FloatTypes{});
  r.kernels<cuda::MaxPoolGrad>("MaxPoolGrad", gpu, FloatTypes{});
  r.kernels<cuda::MaxPoolGradGrad>("MaxPoolGradGrad", gpu, FloatTypes{});
  r.kernels<cuda::MaxPoolWithArgmax>("MaxPoolWithArgmax", gpu, FloatTypes{});
  r.kernels<cuda::MaxPoolGradWithArgmax>("MaxPoolGradWithArgmax", gpu, FloatTypes{});
  r.kernels<cuda::AvgPool>("AvgPool", gpu, FloatTypes{});
  r.kernels<cuda::AvgPoolGrad>("AvgPoolGrad", gpu, FloatTypes{});
}

}  // namespace tfmini

// MaxPool, AvgPool and their gradients. Kernels loop over channels, so NCHW images are turned to
// NHWC and back.
//
// The gradient of max pooling recomputes which element won each window (the first maximum, as in
// TensorFlow) and then gathers: an input pixel asks the windows over it whether it was their
// winner. That needs no atomics and gives the same bits with any number of threads.
#include "ops/pool2d.h"

#include <algorithm>
#include <vector>

#include "conv/layout.h"
#include "core/registry.h"
#include "simd/pool.h"

namespace tfmini {

PoolGeometry pool_geometry(const Window2D& window, const Shape& input) {
  check(!input.known_rank() || input.rank() == 4, "pooling takes images of 4 dimensions, got shape ", input);
  const Shape x = input.known_rank() ? input : Shape::unknown_of_rank(4);
  PoolGeometry g;
  g.batch = x[0];
  g.channels = x[window.format.c()];
  g.h = window.axis(0, x[window.format.h()], window.ksize[0]);
  g.w = window.axis(1, x[window.format.w()], window.ksize[1]);
  g.nchw = window.format.nchw;
  // A window of padding alone has no maximum and no mean; SAME never makes one.
  for (const WindowAxis& a : {g.h, g.w})
    check(a.pad < a.kernel && (a.in < 0 || a.first(a.out - 1) < std::max<int64_t>(a.in, 1)),
          "explicit paddings must be smaller than the window");
  return g;
}

namespace {

Shape pooled_shape(const Window2D& w, const Shape& input) {
  const PoolGeometry g = pool_geometry(w, input);
  return w.format.shape(g.batch, g.h.out, g.w.out, g.channels);
}

void pool_shape(InferContext& c) { c.set_output(0, pooled_shape(Window2D(c.attrs()), c.input(0))); }

void argmax_shape(InferContext& c) {
  const Shape out = pooled_shape(Window2D(c.attrs()), c.input(0));
  c.set_output(0, out);
  c.set_output(1, out);
}

void check_shape(const Shape& got, const Shape& expected, const char* what) {
  check(got.compatible_with(expected), what, " has shape ", got, ", expected ", expected);
}

// orig_input, orig_output, grad -> gradient of orig_input; or, for the second order, the other way.
template <bool kSecond>
void max_grad_shape(InferContext& c) {
  const Shape pooled = pooled_shape(Window2D(c.attrs()), c.input(0));
  check_shape(c.input(1), pooled, "orig_output");
  check_shape(c.input(2), kSecond ? c.input(0) : pooled, "grad");
  c.set_output(0, kSecond ? merge(pooled, c.input(1)) : c.with_rank(0, 4));
}

void argmax_grad_shape(InferContext& c) {
  const Shape pooled = pooled_shape(Window2D(c.attrs()), c.input(0));
  check_shape(c.input(1), pooled, "grad");
  check_shape(c.input(2), pooled, "argmax");
  c.set_output(0, c.with_rank(0, 4));
}

void avg_grad_shape(InferContext& c) {
  Shape shape = c.constant_as_shape(0);
  if (!shape.known_rank()) shape = Shape::unknown_of_rank(4);
  check(shape.rank() == 4, "orig_input_shape must have 4 values, got ", shape.rank());
  check_shape(c.input(1), pooled_shape(Window2D(c.attrs()), shape), "grad");
  c.set_output(0, shape);
}

// Calls fn(image, y, x) for every pixel of [batch, height, width].
template <class Fn>
void for_pixels(int64_t batch, int64_t height, int64_t width, int64_t bytes_per_pixel, const Fn& fn) {
  parallel_for(batch * height, grain_for_bytes(width * bytes_per_pixel), [&](int64_t begin, int64_t end) {
    auto row = fn();
    for (int64_t r = begin; r < end; ++r)
      for (int64_t x = 0; x < width; ++x) row(r / height, r % height, x);
  });
}

int64_t window_bytes(const PoolGeometry& g, size_t element) {
  return std::min(g.h.kernel, g.h.in) * std::min(g.w.kernel, g.w.in) * g.channels * static_cast<int64_t>(element);
}

// Calls fn(output pixel, taps, positions) with the pixels of each window, positions counted in
// pixels of the image.
template <class T, class Fn>
void for_windows(const PoolGeometry& g, const T* input, const Fn& fn) {
  check(g.in_pixels() <= INT32_MAX, "images of more than 2^31 pixels cannot be pooled");
  for_pixels(g.batch, g.h.out, g.w.out, window_bytes(g, sizeof(T)), [&] {
    return [&g, input, &fn, taps = std::vector<const T*>(), positions = std::vector<int32_t>()](int64_t n, int64_t y,
                                                                                                int64_t x) mutable {
      const WindowRange h = inside(g.h, y), w = inside(g.w, x);
      const T* image = input + n * g.in_pixels() * g.channels;
      taps.clear();
      positions.clear();
      for (int64_t i = h.begin; i < h.end; ++i)
        for (int64_t j = w.begin; j < w.end; ++j) {
          taps.push_back(image + (i * g.w.in + j) * g.channels);
          positions.push_back(static_cast<int32_t>(i * g.w.in + j));
        }
      fn((n * g.h.out + y) * g.w.out + x, taps, positions);
    };
  });
}

// Winner of each window and channel: its value and its pixel.
template <class T>
void find_argmax(const PoolGeometry& g, const T* input, T* best, int32_t* at) {
  const auto& loops = simd::pool_loops<T>();
  for_windows(g, input, [&](int64_t pixel, const std::vector<const T*>& taps, const std::vector<int32_t>& positions) {
    loops.argmax(taps.data(), positions.data(), taps.size(), best + pixel * g.channels, at + pixel * g.channels,
                 g.channels);
  });
}

template <class T>
struct MaxPool {
  Window2D window;
  explicit MaxPool(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    const ImageInput<T> input(c.input(0), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    C* out = output.data();
    const auto& loops = simd::pool_loops<C>();
    for_windows(g, input.data(), [&](int64_t pixel, const std::vector<const C*>& taps, const std::vector<int32_t>&) {
      loops.max(taps.data(), taps.size(), out + pixel * g.channels, g.channels);
    });
    output.store();
  }
};

template <class T>
struct MaxPoolGrad {
  Window2D window;
  explicit MaxPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    const ImageInput<T> input(c.input(0), g.nchw), grad(c.input(2), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    const Shape windows{g.batch * g.out_pixels() * g.channels};
    Tensor best = c.scratch(dtype_of<C>, windows), at = c.scratch(DType::kInt32, windows);
    find_argmax(g, input.data(), best.data<C>(), at.data<int32_t>());
    const auto& loops = simd::pool_loops<C>();
    const C* dy = grad.data();
    const int32_t* winners = at.data<int32_t>();
    C* dx = output.data();
    for_pixels(g.batch, g.h.in, g.w.in, 4 * g.channels * sizeof(C), [&] {
      return [&, grads = std::vector<const C*>(), wins = std::vector<const int32_t*>()](int64_t n, int64_t y,
                                                                                        int64_t x) mutable {
        const WindowRange h = windows_over(g.h, y), w = windows_over(g.w, x);
        grads.clear();
        wins.clear();
        for (int64_t i = h.begin; i < h.end; ++i)
          for (int64_t j = w.begin; j < w.end; ++j) {
            const int64_t at_window = ((n * g.h.out + i) * g.w.out + j) * g.channels;
            grads.push_back(dy + at_window);
            wins.push_back(winners + at_window);
          }
        const int64_t pixel = y * g.w.in + x;
        loops.select(grads.data(), wins.data(), static_cast<int32_t>(pixel), grads.size(),
                     dx + (n * g.in_pixels() + pixel) * g.channels, g.channels);
      };
    });
    output.store();
  }
};

template <class T>
struct MaxPoolGradGrad {
  Window2D window;
  explicit MaxPoolGradGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    const ImageInput<T> input(c.input(0), g.nchw), grad(c.input(2), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    Tensor at = c.scratch(DType::kInt32, Shape{g.batch * g.out_pixels() * g.channels});
    C* out = output.data();  // first the winners' values, then their gradients
    find_argmax(g, input.data(), out, at.data<int32_t>());
    const int32_t* winners = at.data<int32_t>();
    for_pixels(g.batch, g.h.out, g.w.out, 4 * g.channels * sizeof(C), [&] {
      return [&](int64_t n, int64_t y, int64_t x) {
        const int64_t pixel = ((n * g.h.out + y) * g.w.out + x) * g.channels;
        const C* image = grad.data() + n * g.in_pixels() * g.channels;
        for (int64_t ch = 0; ch < g.channels; ++ch) out[pixel + ch] = image[winners[pixel + ch] * g.channels + ch];
      };
    });
    output.store();
  }
};

template <class T>
struct MaxPoolWithArgmax {
  Window2D window;
  bool batch_in_index;
  explicit MaxPoolWithArgmax(const Attrs& attrs)
      : window(attrs), batch_in_index(attrs.flag("include_batch_in_index")) {}
  void operator()(KernelContext& c) const {
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    const Widened<T> input(c.input(0));
    Narrowed<T> output(c.output(0));
    Tensor at = c.scratch(DType::kInt32, c.output(0).shape());
    find_argmax(g, input.data(), output.data(), at.data<int32_t>());
    output.store();
    const int32_t* winners = at.data<int32_t>();
    // Indices are of elements, [height, width, channels] of one image or of the whole batch.
    for_pixels(g.batch, g.h.out, g.w.out, 3 * g.channels * sizeof(int64_t), [&] {
      return [&](int64_t n, int64_t y, int64_t x) {
        const int64_t first = batch_in_index ? n * g.in_pixels() * g.channels : 0;
        const int64_t pixel = ((n * g.h.out + y) * g.w.out + x) * g.channels;
        for (int64_t ch = 0; ch < g.channels; ++ch) {
          const int64_t index = first + winners[pixel + ch] * g.channels + ch;
          if (c.output_dtype(1) == DType::kInt64)
            c.out<int64_t>(1)[pixel + ch] = index;
          else
            c.out<int32_t>(1)[pixel + ch] = static_cast<int32_t>(index);
        }
      };
    });
  }
};

template <class T>
struct MaxPoolGradWithArgmax {
  bool batch_in_index;
  explicit MaxPoolGradWithArgmax(const Attrs& attrs) : batch_in_index(attrs.flag("include_batch_in_index")) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const Tensor& x = c.input(0);
    const int64_t batch = x.dim(0), in = x.num_elements() / std::max<int64_t>(1, batch);
    const int64_t out = c.input(1).num_elements() / std::max<int64_t>(1, batch);
    const Widened<T> grad(c.input(1));
    Narrowed<T> output(c.output(0));
    C* dx = output.data();
    parallel_for(batch, grain_for_bytes((in + out) * sizeof(C)), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        std::fill_n(dx + n * in, in, C(0));
        for (int64_t i = n * out; i < (n + 1) * out; ++i) {
          const int64_t index = c.input(2).int_at(i) - (batch_in_index ? n * in : 0);
          check(index >= 0 && index < in, "argmax[", i, "] = ", c.input(2).int_at(i), " lies outside of its image");
          dx[n * in + index] += grad.data()[i];
        }
      }
    });
    output.store();
  }
};

template <class T>
struct AvgPool {
  Window2D window;
  explicit AvgPool(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const PoolGeometry g = pool_geometry(window, c.input(0).shape());
    const ImageInput<T> input(c.input(0), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    C* out = output.data();
    const auto& loops = simd::pool_loops<C>();
    for_windows(g, input.data(), [&](int64_t pixel, const std::vector<const C*>& taps, const std::vector<int32_t>&) {
      loops.sum(taps.data(), taps.size(), C(1) / static_cast<C>(taps.size()), out + pixel * g.channels, g.channels);
    });
    output.store();
  }
};

template <class T>
struct AvgPoolGrad {
  Window2D window;
  explicit AvgPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const PoolGeometry g = pool_geometry(window, c.output(0).shape());
    const ImageInput<T> grad(c.input(1), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    const auto& loops = simd::pool_loops<C>();
    const C* dy = grad.data();
    C* dx = output.data();
    const auto size = [](const WindowRange& r) { return r.end - r.begin; };
    for_pixels(g.batch, g.h.in, g.w.in, 3 * g.channels * sizeof(C), [&] {
      return [&, grads = std::vector<const C*>(), scales = std::vector<C>()](int64_t n, int64_t y, int64_t x) mutable {
        const WindowRange h = windows_over(g.h, y), w = windows_over(g.w, x);
        grads.clear();
        scales.clear();
        for (int64_t i = h.begin; i < h.end; ++i)
          for (int64_t j = w.begin; j < w.end; ++j) {
            grads.push_back(dy + ((n * g.h.out + i) * g.w.out + j) * g.channels);
            scales.push_back(C(1) / static_cast<C>(size(inside(g.h, i)) * size(inside(g.w, j))));
          }
        loops.weighted(grads.data(), scales.data(), grads.size(), dx + ((n * g.h.in + y) * g.w.in + x) * g.channels,
                       g.channels);
      };
    });
    output.store();
  }
};

using PoolTypes = TypeList<float, double, Half, BFloat16, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t>;
constexpr const char* kPoolTypes = "{half, bfloat16, float, double, int8, int16, int32, int64, uint8, uint16}";

void window_attrs(OpBuilder& op, const char* types, bool default_type, bool explicit_paddings) {
  op.attr("ksize: list(int) >= 4").attr("strides: list(int) >= 4");
  if (explicit_paddings)
    op.attr("padding: {'SAME', 'VALID', 'EXPLICIT'}").attr("explicit_paddings: list(int) = []");
  else
    op.attr("padding: {'SAME', 'VALID'}");
  op.attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'");
  op.attr(std::string("T: ") + types + (default_type ? " = float" : ""));
}

void argmax_attrs(OpBuilder& op, const char* index_default) {
  op.attr("ksize: list(int) >= 4").attr("strides: list(int) >= 4").attr("padding: {'SAME', 'VALID'}");
  op.attr("include_batch_in_index: bool = false").attr(std::string("Targmax: {int32, int64}") + index_default);
  op.attr(std::string("T: ") + kPoolTypes);
}

}  // namespace

void register_pool2d(Registry& r) {
  const auto cpu = DeviceKind::kCPU;
  window_attrs(r.op("MaxPool").input("input: T").output("output: T").shape(pool_shape), kPoolTypes, true, true);
  r.kernels<MaxPool>("MaxPool", cpu, PoolTypes{});
  window_attrs(r.op("MaxPoolGrad")
                   .input("orig_input: T")
                   .input("orig_output: T")
                   .input("grad: T")
                   .output("output: T")
                   .shape(max_grad_shape<false>),
               kPoolTypes, true, true);
  r.kernels<MaxPoolGrad>("MaxPoolGrad", cpu, PoolTypes{});
  window_attrs(r.op("MaxPoolGradGrad")
                   .input("orig_input: T")
                   .input("orig_output: T")
                   .input("grad: T")
                   .output("output: T")
                   .shape(max_grad_shape<true>),
               kPoolTypes, false, false);
  r.kernels<MaxPoolGradGrad>("MaxPoolGradGrad", cpu, PoolTypes{});
  argmax_attrs(
      r.op("MaxPoolWithArgmax").input("input: T").output("output: T").output("argmax: Targmax").shape(argmax_shape),
      " = int64");
  r.kernels<MaxPoolWithArgmax>("MaxPoolWithArgmax", cpu, PoolTypes{});
  argmax_attrs(r.op("MaxPoolGradWithArgmax")
                   .input("input: T")
                   .input("grad: T")
                   .input("argmax: Targmax")
                   .output("output: T")
                   .shape(argmax_grad_shape),
               "");
  r.kernels<MaxPoolGradWithArgmax>("MaxPoolGradWithArgmax", cpu, PoolTypes{});
  window_attrs(r.op("AvgPool").input("value: T").output("output: T").shape(pool_shape),
               "{half, bfloat16, float, double}", false, false);
  r.kernels<AvgPool>("AvgPool", cpu, FloatTypes{});
  window_attrs(r.op("AvgPoolGrad")
                   .input("orig_input_shape: int32")
                   .input("grad: T")
                   .output("output: T")
                   .shape(avg_grad_shape)
                   .host_input(0),
               "{half, bfloat16, float, double}", false, false);
  r.kernels<AvgPoolGrad>("AvgPoolGrad", cpu, FloatTypes{});
}

}  // namespace tfmini

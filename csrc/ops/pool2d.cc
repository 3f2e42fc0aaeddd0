// MaxPool, AvgPool and their gradients. The arithmetic is in conv/pool.h.
#include "ops/pool2d.h"

#include <algorithm>

#include "conv/layout.h"
#include "conv/pool.h"
#include "core/registry.h"

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

template <class T>
struct MaxPool {
  Window2D window;
  explicit MaxPool(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const Widened<T> input(c.input(0));
    Narrowed<T> output(c.output(0));
    conv::max_pool(pool_geometry(window, c.input(0).shape()), input.data(), output.data());
    output.store();
  }
};

template <class T>
struct MaxPoolGrad {
  Window2D window;
  explicit MaxPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const Widened<T> input(c.input(0)), grad(c.input(2));
    Narrowed<T> output(c.output(0));
    conv::max_pool_grad(pool_geometry(window, c.input(0).shape()), input.data(), grad.data(), output.data());
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
    conv::find_maxima(g, input.data(), out, at.data<int32_t>());
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
    conv::find_maxima(g, input.data(), output.data(), at.data<int32_t>());
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
    const Widened<T> input(c.input(0));
    Narrowed<T> output(c.output(0));
    conv::avg_pool(pool_geometry(window, c.input(0).shape()), input.data(), output.data());
    output.store();
  }
};

template <class T>
struct AvgPoolGrad {
  Window2D window;
  explicit AvgPoolGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const Widened<T> grad(c.input(1));
    Narrowed<T> output(c.output(0));
    conv::avg_pool_grad(pool_geometry(window, c.output(0).shape()), grad.data(), output.data());
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

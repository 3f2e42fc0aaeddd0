// BiasAdd, BiasAddV1 and BiasAddGrad.
#include "ops/bias.h"

#include "core/parallel.h"
#include "core/registry.h"
#include "ops/reduce.h"

namespace tfmini {
namespace {

void bias_add_shape(InferContext& c) {
  const bool first = channels_first(c.attrs());
  Shape value = c.with_rank_at_least(0, 2);
  const Shape bias = c.with_rank(1, 1);
  if (!value.known_rank()) {
    c.set_output(0, value);
    return;
  }
  const int axis = first ? 1 : value.rank() - 1;
  const int64_t channels = value[axis], n = bias.known_rank() ? bias[0] : -1;
  check(channels < 0 || n < 0 || channels == n, "value ", value, " has ", channels, " channels, the bias has ", n,
        " values");
  if (channels < 0) value.set_dim(axis, n);
  c.set_output(0, value);
}

void bias_grad_shape(InferContext& c) {
  const Shape grad = c.with_rank_at_least(0, 2);
  if (!grad.known_rank())
    c.set_output(0, Shape{-1});
  else
    c.set_output(0, Shape{channels_first(c.attrs()) ? grad[1] : grad.dim(-1)});
}

template <class T>
struct BiasAdd {
  bool first;
  explicit BiasAdd(const Attrs& attrs) : first(channels_first(attrs)) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const ChannelLayout l(c.input(0).shape(), first);
    const T *value = c.in<T>(0), *bias = c.in<T>(1);
    T* out = c.out<T>(0);
    const int64_t row = l.channels * l.inner;
    parallel_for(l.outer, grain_for_bytes(2 * row * sizeof(T)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* x = value + o * row;
        T* y = out + o * row;
        if (l.inner == 1) {
          for (int64_t i = 0; i < l.channels; ++i) y[i] = static_cast<T>(C(x[i]) + C(bias[i]));
        } else {
          for (int64_t i = 0; i < l.channels; ++i)
            for (int64_t j = i * l.inner; j < (i + 1) * l.inner; ++j) y[j] = static_cast<T>(C(x[j]) + C(bias[i]));
        }
      }
    });
  }
};

template <class T>
struct BiasAddGrad {
  bool first;
  explicit BiasAddGrad(const Attrs& attrs) : first(channels_first(attrs)) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const ChannelLayout l(c.input(0).shape(), first);
    Tensor sums = c.scratch(dtype_of<C>, Shape{l.channels});
    C* sum = sums.data<C>();
    std::fill_n(sum, l.channels, C(0));
    if (l.outer > 0 && l.inner > 0) {
      const T* x = c.in<T>(0);
      if (l.inner == 1) {
        reduce_middle(simd::Reduction::kSum, x, sum, 1, l.outer, l.channels);
      } else {
        Tensor planes = c.scratch(dtype_of<C>, Shape{l.outer * l.channels});
        reduce_middle(simd::Reduction::kSum, x, planes.data<C>(), l.outer * l.channels, l.inner, 1);
        reduce_middle<C>(simd::Reduction::kSum, planes.data<C>(), sum, 1, l.outer, l.channels);
      }
    }
    for (int64_t i = 0; i < l.channels; ++i) c.out<T>(0)[i] = static_cast<T>(sum[i]);
  }
};

constexpr const char* kTypes =
    "T: {half, bfloat16, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64}";
constexpr const char* kFormat = "data_format: {'NHWC', 'NCHW'} = 'NHWC'";

}  // namespace

void register_bias(Registry& r) {
  const auto cpu = DeviceKind::kCPU;
  r.op("BiasAdd")
      .input("value: T")
      .input("bias: T")
      .output("output: T")
      .attr(kTypes)
      .attr(kFormat)
      .shape(bias_add_shape)
      .in_place(0);
  r.kernels<BiasAdd>("BiasAdd", cpu, NumberTypes{});
  r.op("BiasAddV1")
      .input("value: T")
      .input("bias: T")
      .output("output: T")
      .attr(kTypes)
      .shape(bias_add_shape)
      .in_place(0);
  r.kernels<BiasAdd>("BiasAddV1", cpu, NumberTypes{});
  r.op("BiasAddGrad").input("out_backprop: T").output("output: T").attr(kTypes).attr(kFormat).shape(bias_grad_shape);
  r.kernels<BiasAddGrad>("BiasAddGrad", cpu, NumberTypes{});
}

}  // namespace tfmini

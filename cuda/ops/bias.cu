// BiasAdd, BiasAddV1 and BiasAddGrad.
#include "ops/bias.h"

#include "core/elementwise.cuh"
#include "core/reduce.cuh"

namespace tfmini::cuda {
namespace {

struct Add {
  static constexpr double kCost = 0.2;
  template <class T>
  static TFMINI_FN T run(T x, T y) {
    return simd::fn::add(x, y);
  }
};

template <class T>
struct BiasAdd {
  bool first;
  explicit BiasAdd(const Attrs& attrs) : first(channels_first(attrs)) {}
  void operator()(KernelContext& c) const {
    Shape shape{c.input(1).num_elements()};
    if (first)
      for (int i = 2; i < c.input(0).rank(); ++i) shape.add_dim(1);
    run_binary<Add, T>(stream(c), c.input(0), c.input(1).reshaped(shape), c.output(0));
  }
};

template <class T>
struct BiasAddGrad {
  bool first;
  explicit BiasAddGrad(const Attrs& attrs) : first(channels_first(attrs)) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const ChannelLayout l(c.input(0).shape(), first);
    const cudaStream_t s = stream(c);
    constexpr auto kSum = Reduction::kSum;
    if (l.outer == 0 || l.inner == 0)
      return check_cuda(cudaMemsetAsync(c.output(0).raw(), 0, c.output(0).bytes(), s), "filling a tensor");
    if (l.inner == 1) return reduce_middle<kSum, T, T>(c, s, c.in<T>(0), c.out<T>(0), 1, l.outer, l.channels);
    Tensor planes = c.scratch(dtype_of<C>, Shape{l.outer, l.channels});
    reduce_middle<kSum, T, C>(c, s, c.in<T>(0), planes.data<C>(), l.outer * l.channels, l.inner, 1);
    reduce_middle<kSum, C, T>(c, s, planes.data<C>(), c.out<T>(0), 1, l.outer, l.channels);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_bias_cuda(Registry& r) {
  using Types = TypeList<float, double, Half, BFloat16, int32_t, int64_t>;
  r.kernels<cuda::BiasAdd>("BiasAdd", DeviceKind::kCUDA, Types{});
  r.kernels<cuda::BiasAdd>("BiasAddV1", DeviceKind::kCUDA, Types{});
  r.kernels<cuda::BiasAddGrad>("BiasAddGrad", DeviceKind::kCUDA, Types{});
}

}  // namespace tfmini

// Range and LinSpace.
#include <cmath>
#include <limits>

#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

template <class T>
int64_t range_size(const Tensor& start_t, const Tensor& limit_t, const Tensor& delta_t) {
  using C = ComputeType<T>;
  const C start = start_t.data<T>()[0], limit = limit_t.data<T>()[0], delta = delta_t.data<T>()[0];
  check(delta != C(0), "delta must not be 0");
  if (delta > C(0))
    check(start <= limit, "start must be <= limit when delta > 0, got ", +start, " and ", +limit);
  else
    check(start >= limit, "start must be >= limit when delta < 0, got ", +start, " and ", +limit);
  if constexpr (std::is_integral_v<C>) {
    // In uint64, where limit - start and -delta cannot overflow.
    const bool up = delta > C(0);
    const uint64_t distance = up ? uint64_t(limit) - uint64_t(start) : uint64_t(start) - uint64_t(limit);
    const uint64_t step = up ? uint64_t(delta) : -uint64_t(int64_t(delta));
    const uint64_t size = distance / step + (distance % step != 0);
    check(size <= uint64_t(std::numeric_limits<int64_t>::max()), "a range of ", size, " elements is too large");
    return static_cast<int64_t>(size);
  } else {
    const double size = std::ceil(std::abs((double(limit) - double(start)) / double(delta)));
    check(size <= 9.2e18, "a range of ", size, " elements is too large");  // NaN fails too
    return static_cast<int64_t>(size);
  }
}

template <class... Ts>
int64_t range_size(DType dtype, const Tensor& start, const Tensor& limit, const Tensor& delta, TypeList<Ts...>) {
  int64_t size = -1;
  ((dtype == dtype_of<Ts> ? void(size = range_size<Ts>(start, limit, delta)) : void()), ...);
  return size;
}

void range_shape(InferContext& c) {
  for (int i = 0; i < 3; ++i) c.with_rank(i, 0);
  const Tensor *start = c.constant(0), *limit = c.constant(1), *delta = c.constant(2);
  const bool known = start && limit && delta;
  c.set_output(0,
               Shape{known ? range_size(start->dtype(), *start, *limit, *delta, NumberTypes{}) : Shape::kUnknownDim});
}

template <class T>
struct Range {
  static void run(KernelContext& c) {
    using C = ComputeType<T>;
    const C start = c.in<T>(0)[0], delta = c.in<T>(2)[0];
    T* out = c.out<T>(0);
    // start + i * delta, not a running sum: no drift, and elements are independent. Integers in uint64, where
    // i * delta may wrap on the way to a result that fits.
    using W = std::conditional_t<std::is_integral_v<C>, uint64_t, C>;
    parallel_for(c.output(0).num_elements(), grain_for_bytes(sizeof(T)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = static_cast<T>(static_cast<W>(start) + static_cast<W>(i) * static_cast<W>(delta));
    });
  }
};

void lin_space_shape(InferContext& c) {
  for (int i = 0; i < 3; ++i) c.with_rank(i, 0);
  const auto num = constant_int(c, 2);
  check(!num || *num > 0, "num must be positive, got ", num.value_or(0));
  c.set_output(0, Shape{num.value_or(Shape::kUnknownDim)});
}

template <class T>
struct LinSpace {
  static void run(KernelContext& c) {
    using C = ComputeType<T>;
    const C start = c.in<T>(0)[0], stop = c.in<T>(1)[0];
    const int64_t n = c.output(0).num_elements();
    T* out = c.out<T>(0);
    const C step = n > 1 ? (stop - start) / static_cast<C>(n - 1) : C(0);
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(start + step * static_cast<C>(i));
    if (n > 1) out[n - 1] = static_cast<T>(stop);
  }
};

}  // namespace

void register_range(Registry& r) {
  r.op("Range")
      .input("start: Tidx")
      .input("limit: Tidx")
      .input("delta: Tidx")
      .output("output: Tidx")
      .attr("Tidx: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64} = int32")
      .kernel_attr("Tidx")
      .shape(range_shape)
      .host_input(0)
      .host_input(1)
      .host_input(2);
  r.kernels<Range>("Range", DeviceKind::kCPU, NumberTypes{});

  r.op("LinSpace")
      .input("start: T")
      .input("stop: T")
      .input("num: Tidx")
      .output("output: T")
      .attr("T: {bfloat16, half, float, double}")
      .attr("Tidx: {int32, int64} = int32")
      .shape(lin_space_shape)
      .host_input(0)
      .host_input(1)
      .host_input(2);
  r.kernels<LinSpace>("LinSpace", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini

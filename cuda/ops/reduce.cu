// Reductions over any set of axes: Sum, Mean, Prod, Max, Min, EuclideanNorm, All, Any.
#include "core/fill.cuh"
#include "core/reduce.cuh"
#include "core/stream.h"
#include "ops/reduce.h"

namespace tfmini::cuda {
namespace {

// The passes of ops/reduce.h, the last with `finish`.
template <Reduction op, class T, class Finish>
void reduce(KernelContext& c, Finish (*finish_for)(int64_t reduced)) {
  using C = ComputeType<T>;
  const Shape& shape = c.input(0).shape();
  const ReducePasses p = make_passes(shape, axis_mask(c.input(1), shape.rank()));
  const int64_t outputs = c.output(0).num_elements();
  if (outputs == 0) return;
  const cudaStream_t s = stream(c);
  const Finish finish = finish_for(p.reduced);
  T* out = c.out<T>(0);
  if (p.reduced == 0) {
    // The mean of nothing is NaN.
    const C value = std::is_same_v<Finish, DivideBy> ? std::numeric_limits<C>::quiet_NaN() : identity_of<op, C>();
    return fill(s, out, outputs, static_cast<T>(value));
  }
  if (p.count == 0) return reduce_middle<op, T, T>(c, s, c.in<T>(0), out, outputs, 1, 1, finish);
  Tensor from, to;
  for (int i = 0; i < p.count; ++i) {
    const auto [outer, length, inner] = p.pass[i];
    const bool last = i + 1 == p.count;
    if (!last) to = c.scratch(dtype_of<C>, Shape{outer, inner});
    if (i == 0 && last)
      reduce_middle<op, T, T>(c, s, c.in<T>(0), out, outer, length, inner, finish);
    else if (i == 0)
      reduce_middle<op, T, C>(c, s, c.in<T>(0), to.data<C>(), outer, length, inner);
    else if (last)
      reduce_middle<joining(op), C, T>(c, s, from.data<C>(), out, outer, length, inner, finish);
    else
      reduce_middle<joining(op), C, C>(c, s, from.data<C>(), to.data<C>(), outer, length, inner);
    from = std::move(to);
  }
}

Plain plain(int64_t) { return {}; }
DivideBy mean(int64_t n) { return {static_cast<double>(n)}; }
SquareRoot root(int64_t) { return {}; }

template <Reduction op, class... Ts>
void add(Registry& r, const char* name, TypeList<Ts...>) {
  (r.kernel(name, DeviceKind::kCUDA, dtype_of<Ts>, +[](KernelContext& c) { reduce<op, Ts>(c, &plain); }), ...);
}
template <class... Ts>
void add_means(Registry& r, TypeList<Ts...>) {
  (r.kernel(
       "Mean", DeviceKind::kCUDA, dtype_of<Ts>, +[](KernelContext& c) { reduce<Reduction::kSum, Ts>(c, &mean); }),
   ...);
  (r.kernel(
       "EuclideanNorm", DeviceKind::kCUDA, dtype_of<Ts>,
       +[](KernelContext& c) { reduce<Reduction::kSumSquares, Ts>(c, &root); }),
   ...);
}

// Bools are bytes 0 and 1: all is their minimum, any their maximum.
template <Reduction op>
void reduce_bools(KernelContext& c) {
  if (c.output(0).num_elements() != 0 && c.input(0).num_elements() == 0)
    return check_cuda(cudaMemsetAsync(c.output(0).raw(), op == Reduction::kMin, c.output(0).bytes(), stream(c)),
                      "filling a tensor");
  reduce<op, uint8_t>(c, &plain);
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_reduce_cuda(Registry& r) {
  using namespace cuda;
  using Types = TypeList<float, double, Half, BFloat16, int32_t, int64_t>;
  add<Reduction::kSum>(r, "Sum", Types{});
  add<Reduction::kProd>(r, "Prod", Types{});
  add<Reduction::kMax>(r, "Max", Types{});
  add<Reduction::kMin>(r, "Min", Types{});
  add_means(r, FloatTypes{});
  r.kernel("All", DeviceKind::kCUDA, DType::kInvalid, &reduce_bools<Reduction::kMin>);
  r.kernel("Any", DeviceKind::kCUDA, DType::kInvalid, &reduce_bools<Reduction::kMax>);
}

}  // namespace tfmini

// Reductions over any set of axes: Sum, Mean, Prod, Max, Min, EuclideanNorm, All, Any.
#include "ops/reduce.h"

#include <cmath>
#include <limits>

#include "core/registry.h"

namespace tfmini {

uint32_t axis_mask(const Tensor& axes, int rank) {
  check(axes.shape().rank() <= 1, "reduction_indices must be a scalar or a vector, got shape ", axes.shape());
  uint32_t mask = 0;
  for (int64_t i = 0; i < axes.num_elements(); ++i) {
    const int64_t axis = axes.int_at(i);
    check(axis >= -rank && axis < rank, "invalid reduction dimension ", axis, " for input with ", rank,
          " dimension(s)");
    const uint32_t bit = 1u << (axis < 0 ? axis + rank : axis);
    check(!(mask & bit), "invalid reduction arguments: axes contain dimension ", axis, " twice");
    mask |= bit;
  }
  return mask;
}

ReducePasses make_passes(const Shape& shape, uint32_t mask) {
  ReducePasses p;
  int64_t inner = 1;
  for (int i = shape.rank() - 1; i >= 0;) {
    if (!(mask >> i & 1)) {
      inner *= shape[i--];
      continue;
    }
    int64_t length = 1;
    for (; i >= 0 && (mask >> i & 1 || shape[i] == 1); --i) length *= shape[i];
    p.reduced *= length;
    if (length != 1) p.pass[p.count++] = {shape.product(0, i + 1), length, inner};
  }
  return p;
}

namespace {

using simd::Reduction;

void reduce_shape(InferContext& c) {
  const Shape& in = c.input(0);
  const bool keep = c.attrs().flag("keep_dims");
  c.with_rank_at_most(1, 1);
  const Tensor* axes = c.constant(1);
  if (!in.known_rank()) return c.set_output(0, Shape::unknown());
  if (!axes) return c.set_output(0, keep ? Shape::unknown_of_rank(in.rank()) : Shape::unknown());
  const uint32_t mask = axis_mask(*axes, in.rank());
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (!(mask >> i & 1))
      out.add_dim(in[i]);
    else if (keep)
      out.add_dim(1);
  }
  c.set_output(0, out);
}

template <class T>
T identity(Reduction op) {
  using L = std::numeric_limits<T>;
  switch (op) {
    case Reduction::kProd:
      return T(1);
    case Reduction::kMax:
      return L::has_infinity ? -L::infinity() : L::lowest();
    case Reduction::kMin:
      return L::has_infinity ? L::infinity() : L::max();
    default:
      return T(0);
  }
}

// Calls finish(out index, reduction in ComputeType<T>) for every output, or, if `direct` is not
// null, leaves the reductions there. `Input` has at least one element per output.
template <class T>
void reduce(KernelContext& c, Reduction op, const T* in, const ReducePasses& p, ComputeType<T>* out, int64_t outputs) {
  using C = ComputeType<T>;
  if (p.reduced == 0) {
    std::fill(out, out + outputs, identity<C>(op));
    return;
  }
  if (p.count == 0) {
    reduce_middle(op, in, out, outputs, 1, 1);
    return;
  }
  const auto join = op == Reduction::kSumSquares ? Reduction::kSum : op;
  Tensor from, to;
  for (int i = 0; i < p.count; ++i) {
    const auto [outer, length, inner] = p.pass[i];
    C* target = out;
    if (i + 1 < p.count) {
      to = c.scratch(dtype_of<C>, Shape{outer, inner});
      target = to.data<C>();
    }
    if (i == 0)
      reduce_middle(op, in, target, outer, length, inner);
    else
      reduce_middle<C>(join, from.data<C>(), target, outer, length, inner);
    from = std::move(to);
  }
}

// Reduces input 0 and writes map(reduction) to output 0.
template <class T, class Map>
void reduce_and_map(KernelContext& c, Reduction op, const T* in, const Map& map) {
  using C = ComputeType<T>;
  using Out = std::invoke_result_t<Map, C, int64_t>;
  const Shape& shape = c.input(0).shape();
  const ReducePasses p = make_passes(shape, axis_mask(c.input(1), shape.rank()));
  const int64_t outputs = c.output(0).num_elements();
  if (outputs == 0) return;
  Out* out = c.out<Out>(0);
  C* sums;
  Tensor scratch;
  if constexpr (std::is_same_v<C, Out>) {
    sums = out;
  } else {
    scratch = c.scratch(dtype_of<C>, Shape{outputs});
    sums = scratch.data<C>();
  }
  reduce(c, op, in, p, sums, outputs);
  for (int64_t i = 0; i < outputs; ++i) out[i] = map(sums[i], p.reduced);
}

template <class T, Reduction op>
struct Plain {
  static void run(KernelContext& c) {
    const T* in = c.in<T>(0);
    const Shape& shape = c.input(0).shape();
    const int64_t outputs = c.output(0).num_elements();
    if constexpr (std::is_same_v<T, ComputeType<T>>) {
      if (outputs != 0)
        reduce(c, op, in, make_passes(shape, axis_mask(c.input(1), shape.rank())), c.out<T>(0), outputs);
    } else {
      reduce_and_map(c, op, in, [](float x, int64_t) { return T(x); });
    }
  }
};
template <class T>
struct Sum : Plain<T, Reduction::kSum> {};
template <class T>
struct Prod : Plain<T, Reduction::kProd> {};
template <class T>
struct Max : Plain<T, Reduction::kMax> {};
template <class T>
struct Min : Plain<T, Reduction::kMin> {};

// Input 0 converted, for reductions that would overflow or truncate in their own type.
template <class To, class T>
Tensor widened(KernelContext& c) {
  const int64_t n = c.input(0).num_elements();
  Tensor wide = c.scratch(dtype_of<To>, Shape{n});
  std::copy_n(c.in<T>(0), n, wide.data<To>());
  return wide;
}

template <class T>
struct Mean {
  static void run(KernelContext& c) {
    if constexpr (std::is_integral_v<T>) {
      const Tensor wide = widened<int64_t, T>(c);
      // The mean of nothing is 0 for integers, NaN for floats.
      reduce_and_map(c, Reduction::kSum, wide.data<int64_t>(),
                     [](int64_t x, int64_t n) { return static_cast<T>(n == 0 ? 0 : x / n); });
    } else {
      reduce_and_map(c, Reduction::kSum, c.in<T>(0),
                     [](ComputeType<T> x, int64_t n) { return T(x / static_cast<ComputeType<T>>(n)); });
    }
  }
};

template <class T>
struct EuclideanNorm {
  static void run(KernelContext& c) {
    if constexpr (std::is_integral_v<T>) {
      const Tensor wide = widened<double, T>(c);
      reduce_and_map(c, Reduction::kSumSquares, wide.data<double>(),
                     [](double x, int64_t) { return static_cast<T>(std::sqrt(x)); });
    } else {
      reduce_and_map(c, Reduction::kSumSquares, c.in<T>(0), [](ComputeType<T> x, int64_t) { return T(std::sqrt(x)); });
    }
  }
};

// Bools are bytes 0 and 1: all is their minimum, any their maximum.
template <Reduction op>
void reduce_bools(KernelContext& c) {
  static_assert(sizeof(bool) == 1);
  const Shape& shape = c.input(0).shape();
  const ReducePasses p = make_passes(shape, axis_mask(c.input(1), shape.rank()));
  auto* out = static_cast<uint8_t*>(c.output(0).raw());
  const int64_t outputs = c.output(0).num_elements();
  if (p.reduced == 0)
    std::fill_n(out, outputs, op == Reduction::kMin);
  else if (outputs != 0)
    reduce(c, op, static_cast<const uint8_t*>(c.input(0).raw()), p, out, outputs);
}

OpBuilder reduction(Registry& r, const char* name) {
  return r.op(name)
      .input("input: T")
      .input("reduction_indices: Tidx")
      .output("output: T")
      .attr("keep_dims: bool = false")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
      .attr("Tidx: {int32, int64} = int32")
      .shape(reduce_shape)
      .host_input(1);
}

OpBuilder bool_reduction(Registry& r, const char* name) {
  return r.op(name)
      .input("input: bool")
      .input("reduction_indices: Tidx")
      .output("output: bool")
      .attr("keep_dims: bool = false")
      .attr("Tidx: {int32, int64} = int32")
      .shape(reduce_shape)
      .host_input(1);
}

}  // namespace

void register_reduce(Registry& r) {
  constexpr auto kCPU = DeviceKind::kCPU;
  reduction(r, "Sum").same_if_same_shape();
  r.kernels<Sum>("Sum", kCPU, NumberTypes{});
  reduction(r, "Mean").same_if_same_shape();
  r.kernels<Mean>("Mean", kCPU, NumberTypes{});
  reduction(r, "Prod").same_if_same_shape();
  r.kernels<Prod>("Prod", kCPU, NumberTypes{});
  reduction(r, "Max").same_if_same_shape();
  r.kernels<Max>("Max", kCPU, NumberTypes{});
  reduction(r, "Min").same_if_same_shape();
  r.kernels<Min>("Min", kCPU, NumberTypes{});
  reduction(r, "EuclideanNorm");
  r.kernels<EuclideanNorm>("EuclideanNorm", kCPU, NumberTypes{});
  bool_reduction(r, "All").same_if_same_shape();
  r.kernel("All", kCPU, DType::kInvalid, reduce_bools<Reduction::kMin>);
  bool_reduction(r, "Any").same_if_same_shape();
  r.kernel("Any", kCPU, DType::kInvalid, reduce_bools<Reduction::kMax>);
}

}  // namespace tfmini

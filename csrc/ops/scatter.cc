// Assignments to parts of a variable: ScatterUpdate, ScatterAdd, ... by rows, ScatterNdUpdate,
// ScatterNdAdd, ... by slices named by index vectors. Repeated indices are applied in order.
#include "ops/scatter.h"

#include <string>

#include "core/registry.h"
#include "ops/rows.h"

namespace tfmini {
namespace {

enum class Op { kUpdate, kAdd, kSub, kMul, kDiv, kMin, kMax };

template <Op op, class T>
inline T combine(T old, T update) {
  using C = ComputeType<T>;
  if constexpr (op == Op::kUpdate) return update;
  const C a = static_cast<C>(old), b = static_cast<C>(update);
  if constexpr (op == Op::kAdd) return static_cast<T>(a + b);
  if constexpr (op == Op::kSub) return static_cast<T>(a - b);
  if constexpr (op == Op::kMul) return static_cast<T>(a * b);
  if constexpr (op == Op::kDiv) {
    // The quotient of the lowest integer and -1 overflows, and traps on x86.
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      if (b == -1) return static_cast<T>(-static_cast<std::make_unsigned_t<T>>(a));
    return static_cast<T>(a / b);
  }
  if constexpr (op == Op::kMin) return b < a ? update : old;
  return b > a ? update : old;
}

// `rows` name slices of `width` elements; updates hold one slice per row, or one element for all.
template <Op op, class T>
void scatter(VariableUpdate& variable, const RowNumbers& rows, int64_t width, const Tensor& updates, bool broadcast) {
  const T* in = updates.data<T>();
  if constexpr (op == Op::kDiv && std::is_integral_v<T>)
    for (int64_t i = 0; i < updates.num_elements(); ++i)
      check(in[i] != 0, "updates[", i, "] is 0: integer division by zero");
  T* out = variable[0].data<T>();
  for_each_row(
      rows, 3 * width * static_cast<int64_t>(sizeof(T)),
      [&](int64_t i, int64_t row) {
        T* slice = out + row * width;
        if (broadcast) {
          const T update = *in;
          for (int64_t j = 0; j < width; ++j) slice[j] = combine<op>(slice[j], update);
        } else {
          const T* update = in + i * width;
          for (int64_t j = 0; j < width; ++j) slice[j] = combine<op>(slice[j], update[j]);
        }
      },
      [&](int64_t row) { prefetch_row(out + row * width); });
}

void scatter_shape(InferContext& c) {
  const Shape &ref = c.with_rank_at_least(0, 1), &indices = c.input(1), &updates = c.input(2);
  c.set_output(0, ref);
  if (!ref.known_rank() || !indices.known_rank() || (updates.known_rank() && updates.rank() == 0)) return;
  const Shape expected = row_updates_shape(ref, indices);
  check(expected.compatible_with(updates), "updates have shape ", updates, ", but indices of shape ", indices,
        " into a variable of shape ", ref, " need ", expected, " (indices.shape + ref.shape[1:]) or a scalar");
}

template <Op op, class T>
struct ScatterRows {
  static void run(KernelContext& c) {
    VariableUpdate variable(c.variable(0));
    const Shape& ref = variable.read(0).shape();
    const Tensor &indices = c.input(1), &updates = c.input(2);
    const bool broadcast = check_row_updates(ref, indices.shape(), updates.shape());
    const RowNumbers rows = checked_rows(indices, ref[0]);
    scatter<op, T>(variable, rows, ref.product(1, ref.rank()), updates, broadcast);
  }
};

void scatter_nd_shape(InferContext& c) {
  const Shape &ref = c.with_rank_at_least(0, 1), &indices = c.with_rank_at_least(1, 1), &updates = c.input(2);
  c.set_output(0, ref);
  if (!ref.known_rank() || !indices.known_rank() || indices.dim(-1) == Shape::kUnknownDim) return;
  const Shape expected = slice_updates_shape(ref, indices);
  check(expected.compatible_with(updates), "updates have shape ", updates, ", but indices of shape ", indices,
        " into a variable of shape ", ref, " need ", expected, " (indices.shape[:-1] + ref.shape[indices.shape[-1]:])");
}

// The slices' numbers, when the variable is seen as [ref.shape[:depth] flattened, slice].
RowNumbers checked_slices(const Tensor& indices, const Shape& ref) {
  const int64_t depth = indices.dim(-1);
  const bool wide = indices.dtype() == DType::kInt64;
  return RowNumbers(indices.shape().product(0, indices.rank() - 1), [&](int64_t i) {
    int64_t slice = 0;
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t at = wide ? indices.data<int64_t>()[i * depth + d] : indices.data<int32_t>()[i * depth + d];
      check(at >= 0 && at < ref[static_cast<int>(d)], "indices[", i, ",", d, "] = ", at, " is not in [0, ",
            ref[static_cast<int>(d)], ")");
      slice = slice * ref[static_cast<int>(d)] + at;
    }
    return slice;
  });
}

template <Op op, class T>
struct ScatterSlices {
  static void run(KernelContext& c) {
    VariableUpdate variable(c.variable(0));
    const Shape& ref = variable.read(0).shape();
    const Tensor &indices = c.input(1), &updates = c.input(2);
    check_slice_updates(ref, indices.shape(), updates.shape());
    const RowNumbers slices = checked_slices(indices, ref);
    const int64_t width = ref.product(static_cast<int>(indices.dim(-1)), ref.rank());
    scatter<op, T>(variable, slices, width, updates, false);
  }
};

constexpr char kNumbers[] =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";

template <template <Op, class> class Kernel, Op op, class... Ts>
void kernels_for(Registry& r, const std::string& name, TypeList<Ts...>) {
  (r.kernel(name, DeviceKind::kCPU, dtype_of<Ts>, &Kernel<op, Ts>::run), ...);
}

template <template <Op, class> class Kernel, Op op>
void declare(Registry& r, const char* prefix, const char* suffix, ShapeFn shape) {
  const std::string name = std::string(prefix) + suffix;
  OpBuilder b = r.op(name)
                    .input("ref: Ref(T)")
                    .input("indices: Tindices")
                    .input("updates: T")
                    .output("output_ref: Ref(T)")
                    .attr(op == Op::kUpdate ? "T: type" : kNumbers)
                    .attr("Tindices: {int32, int64}")
                    .attr(op == Op::kUpdate ? "use_locking: bool = true" : "use_locking: bool = false");
  if (std::string_view(prefix) == "ScatterNd") b.attr("bad_indices_policy: string = ''");
  b.writes_variable().shape(shape);
  kernels_for<Kernel, op>(r, name, NumberTypes{});
  if constexpr (op == Op::kUpdate) kernels_for<Kernel, op>(r, name, TypeList<bool, std::string>{});
}

}  // namespace

void register_scatter(Registry& r) {
  declare<ScatterRows, Op::kUpdate>(r, "Scatter", "Update", scatter_shape);
  declare<ScatterRows, Op::kAdd>(r, "Scatter", "Add", scatter_shape);
  declare<ScatterRows, Op::kSub>(r, "Scatter", "Sub", scatter_shape);
  declare<ScatterRows, Op::kMul>(r, "Scatter", "Mul", scatter_shape);
  declare<ScatterRows, Op::kDiv>(r, "Scatter", "Div", scatter_shape);
  declare<ScatterRows, Op::kMin>(r, "Scatter", "Min", scatter_shape);
  declare<ScatterRows, Op::kMax>(r, "Scatter", "Max", scatter_shape);
  declare<ScatterSlices, Op::kUpdate>(r, "ScatterNd", "Update", scatter_nd_shape);
  declare<ScatterSlices, Op::kAdd>(r, "ScatterNd", "Add", scatter_nd_shape);
  declare<ScatterSlices, Op::kSub>(r, "ScatterNd", "Sub", scatter_nd_shape);
  declare<ScatterSlices, Op::kMin>(r, "ScatterNd", "Min", scatter_nd_shape);
  declare<ScatterSlices, Op::kMax>(r, "ScatterNd", "Max", scatter_nd_shape);
}

}  // namespace tfmini

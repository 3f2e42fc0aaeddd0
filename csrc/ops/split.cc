// Split, SplitV and Unpack: a tensor cut along one axis.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

// `value` with the size of dimension `axis` (unknown if there is none yet) in every output.
void set_outputs(InferContext& c, const Shape& value, std::optional<int64_t> axis, int64_t size) {
  Shape out = value;
  if (value.known_rank()) {
    if (axis)
      out.set_dim(normalize_axis(*axis, value.rank()), size);
    else
      out = Shape::unknown_of_rank(value.rank());
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, out);
}

void split_shape(InferContext& c) {
  c.with_rank(0, 0);
  const Shape& value = c.with_rank_at_least(1, 1);
  const auto axis = constant_int(c, 0);
  const int64_t n = c.num_outputs();
  int64_t part = Shape::kUnknownDim;
  if (axis && value.known_rank()) {
    const int64_t size = value[normalize_axis(*axis, value.rank())];
    check(size < 0 || size % n == 0, "dimension ", *axis, " of size ", size, " cannot be split into ", n,
          " equal parts; give tf.split a list of sizes instead");
    if (size >= 0) part = size / n;
  }
  set_outputs(c, value, axis, part);
}

void split_v_shape(InferContext& c) {
  const Shape& value = c.with_rank_at_least(0, 1);
  const Shape sizes_shape = c.with_rank(1, 1);
  c.with_rank(2, 0);
  const int n = c.num_outputs();
  check(sizes_shape[0] < 0 || sizes_shape[0] == n, "size_splits has ", sizes_shape[0],
        " elements, expected num_split = ", n);
  const auto axis_value = constant_int(c, 2);
  set_outputs(c, value, axis_value, Shape::kUnknownDim);
  auto sizes = constant_ints(c, 1);
  if (!sizes || !axis_value || !value.known_rank()) return;

  const int axis = normalize_axis(*axis_value, value.rank());
  const int64_t total = value[axis];
  int64_t sum = 0;
  int rest = -1;
  for (int i = 0; i < n; ++i) {
    const int64_t s = (*sizes)[i];
    check(s >= -1, "size_splits[", i, "] is negative: ", s);
    check(s >= 0 || rest < 0, "only one element of size_splits may be -1");
    if (s < 0)
      rest = i;
    else
      check(!__builtin_add_overflow(sum, s, &sum), "size_splits overflow");
  }
  if (total >= 0) {
    check(rest >= 0 ? sum <= total : sum == total, "size_splits add up to ", sum, ", but dimension ", axis,
          " of shape ", value, " has size ", total);
    if (rest >= 0) (*sizes)[rest] = total - sum;
  }
  for (int i = 0; i < n; ++i) {
    Shape out = value;
    out.set_dim(axis, (*sizes)[i]);
    c.set_output(i, out);
  }
}

// Copies consecutive parts of `value` along `axis` into the outputs, whose shapes say how much.
void split(KernelContext& c, const Tensor& value, int axis) {
  const int64_t outer = value.shape().product(0, axis);
  const int64_t inner = value.shape().product(axis + 1, value.rank());
  int64_t offset = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    Tensor& out = c.output(i);
    const int64_t run = out.dim(axis) * inner;
    copy_runs(c, value.dtype(), element(value, offset), value.dim(axis) * inner, out.raw(), run, outer, run);
    offset += run;
  }
}

void split_kernel(KernelContext& c) { split(c, c.input(1), normalize_axis(c.input(0).int_at(0), c.input(1).rank())); }
void split_v_kernel(KernelContext& c) { split(c, c.input(0), normalize_axis(c.input(2).int_at(0), c.input(0).rank())); }

void unpack_shape(InferContext& c) {
  Shape s = c.with_rank_at_least(0, 1);
  if (s.known_rank()) {
    const int axis = normalize_axis(c.attrs().integer("axis"), s.rank());
    check(s[axis] < 0 || s[axis] == c.num_outputs(), "dimension ", axis, " of shape ", s,
          " cannot be unpacked into num = ", c.num_outputs(), " tensors");
    s.remove_dim(axis);
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
}

class Unpack {
 public:
  explicit Unpack(const Attrs& attrs) : axis_(attrs.integer("axis")) {}
  void operator()(KernelContext& c) const {
    const Tensor& value = c.input(0);
    const int axis = normalize_axis(axis_, value.rank());
    const int64_t outer = value.shape().product(0, axis);
    const int64_t inner = value.shape().product(axis + 1, value.rank());
    for (int i = 0; i < c.num_outputs(); ++i)
      copy_runs(c, value.dtype(), element(value, i * inner), value.dim(axis) * inner, c.output(i).raw(), inner, outer,
                inner);
  }

 private:
  int64_t axis_;
};

}  // namespace

void register_split(Registry& r) {
  r.op("Split")
      .input("split_dim: int32")
      .input("value: T")
      .output("output: num_split * T")
      .attr("num_split: int >= 1")
      .attr("T: type")
      .shape(split_shape)
      .host_input(0);
  any_device_kernel(r, "Split", split_kernel);

  r.op("SplitV")
      .input("value: T")
      .input("size_splits: Tlen")
      .input("split_dim: int32")
      .output("output: num_split * T")
      .attr("num_split: int >= 1")
      .attr("T: type")
      .attr("Tlen: {int8, int32, int64} = int64")
      .shape(split_v_shape)
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "SplitV", split_v_kernel);

  r.op("Unpack")
      .input("value: T")
      .output("output: num * T")
      .attr("num: int >= 0")
      .attr("T: type")
      .attr("axis: int = 0")
      .shape(unpack_shape);
  any_device_kernel<Unpack>(r, "Unpack");
}

}  // namespace tfmini

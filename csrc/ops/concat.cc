// Concat, ConcatV2, ConcatOffset and Pack.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

// Values are inputs [first, first + n), the axis is input `axis_input`.
void infer_concat(InferContext& c, int first, int n, int axis_input) {
  c.with_rank(axis_input, 0);
  int rank = -1;
  for (int i = first; i < first + n; ++i) {
    const int r = c.input(i).rank();
    check(r != 0, "scalars cannot be concatenated; use tf.stack");
    check(r < 0 || rank < 0 || r == rank, "all values must have the same rank, got shapes ", c.input(first), " and ",
          c.input(i));
    if (r > 0) rank = r;
  }
  const auto known_axis = constant_int(c, axis_input);
  if (rank < 0) return c.set_output(0, Shape::unknown());
  if (!known_axis) return c.set_output(0, Shape::unknown_of_rank(rank));

  const int axis = normalize_axis(*known_axis, rank);
  Shape out = Shape::unknown_of_rank(rank);
  int64_t total = 0;
  for (int i = first; i < first + n; ++i) {
    const Shape& s = c.input(i);
    total = s.known_rank() ? add_dims(total, s[axis]) : Shape::kUnknownDim;
    for (int d = 0; s.known_rank() && d < rank; ++d) {
      if (d == axis) continue;
      check(out[d] < 0 || s[d] < 0 || out[d] == s[d], "dimension ", d, " of value ", i - first, " is ", s[d],
            " where the values before have ", out[d], "; only dimension ", axis, " may differ");
      if (s[d] >= 0) out.set_dim(d, s[d]);
    }
    if (total < 0) total = Shape::kUnknownDim;
  }
  out.set_dim(axis, total);
  c.set_output(0, out);
}

void concat_shape(InferContext& c) { infer_concat(c, 1, c.num_inputs() - 1, 0); }
void concat_v2_shape(InferContext& c) { infer_concat(c, 0, c.num_inputs() - 1, c.num_inputs() - 1); }

void concat(KernelContext& c, int first, int axis_input) {
  Tensor& out = c.output(0);
  const int axis = normalize_axis(c.input(axis_input).int_at(0), out.rank());
  const int64_t outer = out.shape().product(0, axis);
  const int64_t inner = out.shape().product(axis + 1, out.rank());
  int64_t offset = 0;
  for (int i = first; i < first + c.num_inputs() - 1; ++i) {
    const Tensor& x = c.input(i);
    const int64_t run = x.dim(axis) * inner;
    copy_runs(c, x.dtype(), x.raw(), run, element(out, offset), out.dim(axis) * inner, outer, run);
    offset += run;
  }
}

void concat_kernel(KernelContext& c) { concat(c, 1, 0); }
void concat_v2_kernel(KernelContext& c) { concat(c, 0, c.num_inputs() - 1); }

void concat_offset_shape(InferContext& c) {
  c.with_rank(0, 0);
  Shape s = Shape::unknown_of_rank(1);
  for (int i = 1; i < c.num_inputs(); ++i) s = merge(s, c.with_rank(i, 1));
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
}

void concat_offset_kernel(KernelContext& c) {
  const auto first = c.input(1).to_ints();
  const int rank = static_cast<int>(first.size());
  const int axis = normalize_axis(c.input(0).int_at(0), rank);
  int64_t offset = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    const auto shape = c.input(i + 1).to_ints();
    for (int d = 0; d < rank; ++d)
      check(d == axis || shape[d] == first[d], "dimension ", d, " of shape ", i, " is ", shape[d], ", expected ",
            first[d]);
    const auto write = [&](auto* out) {
      for (int d = 0; d < rank; ++d) out[d] = static_cast<std::remove_pointer_t<decltype(out)>>(d == axis ? offset : 0);
    };
    if (c.output_dtype(i) == DType::kInt64)
      write(c.out<int64_t>(i));
    else
      write(c.out<int32_t>(i));
    offset += shape[axis];
  }
}

void pack_shape(InferContext& c) {
  Shape s = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) s = merge(s, c.input(i));
  if (s.known_rank()) s.insert_dim(normalize_axis(c.attrs().integer("axis"), s.rank() + 1), c.num_inputs());
  c.set_output(0, s);
}

class Pack {
 public:
  explicit Pack(const Attrs& attrs) : axis_(attrs.integer("axis")) {}
  void operator()(KernelContext& c) const {
    Tensor& out = c.output(0);
    const int axis = normalize_axis(axis_, out.rank());
    const int64_t outer = out.shape().product(0, axis);
    const int64_t inner = out.shape().product(axis + 1, out.rank());
    for (int i = 0; i < c.num_inputs(); ++i)
      copy_runs(c, out.dtype(), c.input(i).raw(), inner, element(out, i * inner), out.dim(axis) * inner, outer, inner);
  }

 private:
  int64_t axis_;
};

}  // namespace

void register_concat(Registry& r) {
  r.op("Concat")
      .input("concat_dim: int32")
      .input("values: N * T")
      .output("output: T")
      .attr("N: int >= 2")
      .attr("T: type")
      .shape(concat_shape)
      .host_input(0);
  any_device_kernel(r, "Concat", concat_kernel);

  r.op("ConcatV2")
      .input("values: N * T")
      .input("axis: Tidx")
      .output("output: T")
      .attr("N: int >= 2")
      .attr("T: type")
      .attr("Tidx: {int32, int64} = int32")
      .shape(concat_v2_shape)
      .host_input(1);
  any_device_kernel(r, "ConcatV2", concat_v2_kernel);

  r.op("ConcatOffset")
      .input("concat_dim: int32")
      .input("shape: N * shape_type")
      .output("offset: N * shape_type")
      .attr("N: int >= 2")
      .attr("shape_type: {int32, int64} = int32")
      .shape(concat_offset_shape)
      .host_input(0)
      .host_input(1);
  r.kernel("ConcatOffset", DeviceKind::kCPU, DType::kInvalid, concat_offset_kernel);

  r.op("Pack")
      .input("values: N * T")
      .output("output: T")
      .attr("N: int >= 1")
      .attr("T: type")
      .attr("axis: int = 0")
      .shape(pack_shape);
  any_device_kernel<Pack>(r, "Pack");
}

}  // namespace tfmini

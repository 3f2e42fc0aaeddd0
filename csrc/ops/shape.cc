// Shape, ShapeN, Size, Rank, and BroadcastArgs: shapes as tensors.
#include <limits>

#include "core/infer.h"
#include "core/registry.h"

namespace tfmini {
namespace {

void shape_shape(InferContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i) c.set_output(i, Shape{c.input(i).rank()});
}

void write_int(Tensor& out, int64_t index, int64_t value) {
  if (out.dtype() == DType::kInt64) {
    out.data<int64_t>()[index] = value;
  } else {
    check(value <= std::numeric_limits<int32_t>::max(), "size ", value,
          " does not fit into int32; use out_type=tf.int64");
    out.data<int32_t>()[index] = static_cast<int32_t>(value);
  }
}

void shape_kernel(KernelContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i)
    for (int d = 0; d < c.input(i).rank(); ++d) write_int(c.output(i), d, c.input(i).dim(d));
}

void size_kernel(KernelContext& c) { write_int(c.output(0), 0, c.input(0).num_elements()); }

void rank_kernel(KernelContext& c) { write_int(c.output(0), 0, c.input(0).rank()); }

void broadcast_args_shape(InferContext& c) {
  const Shape a = c.with_rank(0, 1), b = c.with_rank(1, 1);
  c.set_output(0, Shape{a[0] < 0 || b[0] < 0 ? Shape::kUnknownDim : std::max(a[0], b[0])});
}

void broadcast_args_kernel(KernelContext& c) {
  const auto a = c.input(0).to_ints(), b = c.input(1).to_ints();
  const Shape out = broadcast(Shape(a.data(), static_cast<int>(a.size())), Shape(b.data(), static_cast<int>(b.size())));
  for (int i = 0; i < out.rank(); ++i) write_int(c.output(0), i, out[i]);
}

}  // namespace

void register_shape(Registry& r) {
  r.op("Shape")
      .input("input: T")
      .output("output: out_type")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shape_shape);
  r.kernel("Shape", DeviceKind::kCPU, DType::kInvalid, shape_kernel);

  r.op("ShapeN")
      .input("input: N * T")
      .output("output: N * out_type")
      .attr("N: int >= 1")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shape_shape);
  r.kernel("ShapeN", DeviceKind::kCPU, DType::kInvalid, shape_kernel);

  r.op("Size")
      .input("input: T")
      .output("output: out_type")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shapes::scalar);
  r.kernel("Size", DeviceKind::kCPU, DType::kInvalid, size_kernel);

  r.op("Rank").input("input: T").output("output: int32").attr("T: type").shape(shapes::scalar);
  r.kernel("Rank", DeviceKind::kCPU, DType::kInvalid, rank_kernel);

  r.op("BroadcastArgs")
      .input("s0: T")
      .input("s1: T")
      .output("r0: T")
      .attr("T: {int32, int64} = int32")
      .shape(broadcast_args_shape)
      .host_input(0)
      .host_input(1);
  r.kernel("BroadcastArgs", DeviceKind::kCPU, DType::kInvalid, broadcast_args_kernel);
}

}  // namespace tfmini

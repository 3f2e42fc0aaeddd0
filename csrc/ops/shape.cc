// Shape, ShapeN, Size, Rank: shapes as tensors.
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

}  // namespace

void register_shape(Registry& r) {
  r.op("Shape")
      .input("input: T")
      .output("output: out_type")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shape_shape)
      .reads_shapes();
  r.kernel("Shape", DeviceKind::kCPU, DType::kInvalid, shape_kernel);

  r.op("ShapeN")
      .input("input: N * T")
      .output("output: N * out_type")
      .attr("N: int >= 1")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shape_shape)
      .reads_shapes();
  r.kernel("ShapeN", DeviceKind::kCPU, DType::kInvalid, shape_kernel);

  r.op("Size")
      .input("input: T")
      .output("output: out_type")
      .attr("T: type")
      .attr("out_type: {int32, int64} = int32")
      .shape(shapes::scalar)
      .reads_shapes();
  r.kernel("Size", DeviceKind::kCPU, DType::kInvalid, size_kernel);

  r.op("Rank").input("input: T").output("output: int32").attr("T: type").shape(shapes::scalar).reads_shapes();
  r.kernel("Rank", DeviceKind::kCPU, DType::kInvalid, rank_kernel);
}

}  // namespace tfmini

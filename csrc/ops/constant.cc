// Sources of values: Const, Placeholder, function arguments; NoOp. The runtime binds them when a
// plan is made, so none has a kernel that runs.
#include "core/registry.h"

namespace tfmini {
namespace {

void const_shape(InferContext& c) {
  const Tensor& value = c.attrs().get<Tensor>("value");
  check(value.dtype() == c.attrs().dtype("dtype"), "Const holds ", dtype_name(value.dtype()), ", its dtype says ",
        dtype_name(c.attrs().dtype("dtype")));
  c.set_output(0, value.shape());
}

void placeholder_shape(InferContext& c) { c.set_output(0, c.attrs().shape("shape")); }

void placeholder_with_default_shape(InferContext& c) {
  const Shape& shape = c.attrs().shape("shape");
  merge(shape, c.input(0));  // throws if the default does not fit
  c.set_output(0, shape);
}

void no_kernel(KernelContext&) {}

}  // namespace

void register_constant(Registry& r) {
  r.op("Const").output("output: dtype").attr("value: tensor").attr("dtype: type").shape(const_shape);
  r.op("Placeholder")
      .output("output: dtype")
      .attr("dtype: type")
      .attr("shape: shape = unknown")
      .shape(placeholder_shape)
      .stateful();
  r.op("_Arg")
      .output("output: T")
      .attr("T: type")
      .attr("index: int >= 0")
      .attr("shape: shape = unknown")
      .shape(placeholder_shape)
      .stateful();
  r.op("PlaceholderWithDefault")
      .input("input: dtype")
      .output("output: dtype")
      .attr("dtype: type")
      .attr("shape: shape")
      .shape(placeholder_with_default_shape)
      .alias();
  r.op("NoOp").shape(shapes::none).stateful();
  r.kernel("NoOp", DeviceKind::kCPU, DType::kInvalid, no_kernel);
}

}  // namespace tfmini

// Ops that hand their input on: Identity and its kin, EnsureShape, CheckNumerics.
#include "ops/identity.h"

#include <cmath>

#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void identity_n_shape(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, c.input(i));
}

void identity_n_kernel(KernelContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i)
    copy_run(c, c.output_dtype(i), c.input(i).raw(), c.output(i).raw(), c.output(i).num_elements());
}

void ensure_shape(InferContext& c) {
  const Shape& wanted = c.attrs().shape("shape");
  check(c.input(0).compatible_with(wanted), "the tensor has shape ", c.input(0), ", which is not compatible with ",
        wanted);
  c.set_output(0, merge(c.input(0), wanted));
}

template <class T>
class CheckNumerics {
 public:
  explicit CheckNumerics(const Attrs& attrs) : message_(attrs.string("message")) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).num_elements();
    const T* x = c.in<T>(0);
    T* y = c.out<T>(0);
    int64_t nans = 0, infs = 0;
    for (int64_t i = 0; i < n; ++i) {
      const auto v = static_cast<ComputeType<T>>(x[i]);
      nans += std::isnan(v);
      infs += std::isinf(v);
    }
    check_numerics(nans != 0, infs != 0, message_);
    if (x != y) copy_run(c.output_dtype(0), x, y, n);
  }

 private:
  std::string message_;
};

}  // namespace

void register_identity(Registry& r) {
  for (const char* name : {"Identity", "StopGradient", "Snapshot"})
    r.op(name).input("input: T").output("output: T").attr("T: type").shape(shapes::unchanged).alias();

  r.op("PreventGradient")
      .input("input: T")
      .output("output: T")
      .attr("T: type")
      .attr("message: string = ''")
      .shape(shapes::unchanged)
      .alias();

  r.op("IdentityN").input("input: T").output("output: T").attr("T: list(type) >= 1").shape(identity_n_shape);
  any_device_kernel(r, "IdentityN", identity_n_kernel);

  r.op("EnsureShape")
      .input("input: T")
      .output("output: T")
      .attr("shape: shape")
      .attr("T: type")
      .shape(ensure_shape)
      .alias();

  r.op("CheckNumerics")
      .input("tensor: T")
      .output("output: T")
      .attr("T: {bfloat16, half, float, double}")
      .attr("message: string")
      .shape(shapes::unchanged)
      .in_place(0)
      .waits_on_gpu();
  r.kernels<CheckNumerics>("CheckNumerics", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini

// Comparisons and logic: boolean results.
#include "core/broadcast.h"
#include "core/parallel.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

// With incompatible_shape_error=false, tensors that do not broadcast are unequal as a whole: a scalar result.
void equality_shape(InferContext& c) {
  if (c.attrs().flag("incompatible_shape_error")) return shapes::broadcast_all(c);
  if (!c.input(0).fully_defined() || !c.input(1).fully_defined()) return shapes::unknown(c);
  try {
    shapes::broadcast_all(c);
  } catch (const Error&) {
    c.set_output(0, Shape{});
  }
}

template <bool kEqual>
class Equality {
 public:
  Equality(const Attrs& attrs) : dtype_(attrs.dtype("T")) {}
  void operator()(KernelContext& c) const {
    const Tensor &x = c.input(0), &y = c.input(1);
    Tensor& z = c.output(0);
    if (z.rank() == 0 && (x.num_elements() != 1 || y.num_elements() != 1)) {
      z.data<bool>()[0] = !kEqual;  // incompatible shapes
    } else if (dtype_ == DType::kString) {
      const BroadcastInput bx(x.shape(), z.shape(), 1), by(y.shape(), z.shape(), 1);
      for (int64_t i = 0, n = z.num_elements(); i < n; ++i)
        z.data<bool>()[i] = (x.data<std::string>()[bx.index(i)] == y.data<std::string>()[by.index(i)]) == kEqual;
    } else {
      const auto f = kEqual ? simd::Binary::kEqual : simd::Binary::kNotEqual;
      run_binary(simd::binary_table().at(f, dtype_), 0.2, x, y, z);
    }
  }

 private:
  DType dtype_;
};

template <class T>
class ApproximateEqual {
 public:
  explicit ApproximateEqual(const Attrs& attrs) : tolerance_(attrs.real("tolerance")) {}
  void operator()(KernelContext& c) const {
    const T *x = c.in<T>(0), *y = c.in<T>(1);
    bool* z = c.out<bool>(0);
    parallel_for(c.input(0).num_elements(), elementwise_grain(0.3, 2 * sizeof(T) + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const ComputeType<T> a = x[i], b = y[i];
        z[i] = (a > b ? a - b : b - a) < static_cast<ComputeType<T>>(tolerance_);
      }
    });
  }

 private:
  float tolerance_;
};

}  // namespace

void register_compare(Registry& r) {
  using namespace simd;
#define TFMINI_REGISTER(Name, types, cost, ...) \
  r.op(#Name)                                   \
      .input("x: T")                            \
      .input("y: T")                            \
      .output("z: bool")                        \
      .attr(type_attr(types))                   \
      .shape(shapes::broadcast_all)             \
      .elementwise();                           \
  add_binary_kernels(r, #Name, Binary::k##Name, types, cost);
  TFMINI_COMPARISONS(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER(Name, types, cost, ...)                                                   \
  r.op(#Name)                                                                                     \
      .input("x: T")                                                                              \
      .input("y: T")                                                                              \
      .output("z: bool")                                                                          \
      .attr("T: type")                                                                            \
      .attr("incompatible_shape_error: bool = true")                                              \
      .shape(equality_shape)                                                                      \
      .elementwise();                                                                             \
  r.kernel<Equality<Binary::k##Name == Binary::kEqual>>(#Name, DeviceKind::kCPU, DType::kString); \
  for (DTypeMask rest = types; rest != 0; rest &= rest - 1)                                       \
    r.kernel<Equality<Binary::k##Name == Binary::kEqual>>(#Name, DeviceKind::kCPU,                \
                                                          static_cast<DType>(__builtin_ctz(rest)));
  TFMINI_EQUALITIES(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER(Name, types, cost, ...) \
  r.op(#Name)                                   \
      .input("x: bool")                         \
      .input("y: bool")                         \
      .output("z: bool")                        \
      .shape(shapes::broadcast_all)             \
      .in_place(0)                              \
      .in_place(1)                              \
      .elementwise();                           \
  add_binary_kernels(r, #Name, Binary::k##Name, types, cost);
  TFMINI_BINARY_LOGICAL(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER(Name, types, cost, ...)                                                      \
  r.op(#Name).input("x: bool").output("y: bool").shape(shapes::unchanged).in_place(0).elementwise(); \
  add_unary_kernels(r, #Name, Unary::k##Name, types, cost);
  TFMINI_UNARY_LOGICAL(TFMINI_REGISTER)
#undef TFMINI_REGISTER

  r.op("ApproximateEqual")
      .input("x: T")
      .input("y: T")
      .output("z: bool")
      .attr(type_attr(kNumbers))
      .attr("tolerance: float = 1e-05")
      .shape(shapes::merged);
  r.kernels<ApproximateEqual>("ApproximateEqual", DeviceKind::kCPU, NumberTypes{});
}

}  // namespace tfmini

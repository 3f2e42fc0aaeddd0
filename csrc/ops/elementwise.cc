// Unary and binary arithmetic over NumPy broadcasting.
#include "ops/elementwise.h"

#include <algorithm>

#include "core/broadcast.h"
#include "core/elements.h"
#include "core/parallel.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::DTypeMask;
using simd::Unary;

// Long enough that loop calls cost nothing beside it, short enough that two copies stay in L1.
constexpr int64_t kStretch = 2048;

// Double precision goes through libm, element by element, where float has a vector body.
double cost_of(double cost, DType dtype) { return dtype == DType::kDouble && cost >= 0.6 ? 10 * cost : cost; }

void fill_with_first(Tensor& t, int64_t begin, int64_t n) {
  with_element(t.dtype(), [&]<class T>(std::type_identity<T>) {
    T* p = t.data<T>() + begin;
    std::fill_n(p + 1, n - 1, p[0]);
  });
}

void run_broadcast(const simd::BinaryLoops& loops, int64_t grain, const Tensor& x, const Tensor& y, Tensor& z) {
  const int in_size = static_cast<int>(dtype_size(x.dtype())), out_size = static_cast<int>(dtype_size(z.dtype()));
  const BroadcastInput bx(x.shape(), z.shape(), in_size), by(y.shape(), z.shape(), in_size);
  parallel_for(z.num_elements(), std::max(grain, kStretch), [&](int64_t chunk_begin, int64_t chunk_end) {
    alignas(64) char scratch_x[kStretch * 8];
    alignas(64) char scratch_y[kStretch * 8];
    auto stretch = [&](int64_t begin, int64_t n) {
      const auto a = bx.read(x.raw(), begin, n, scratch_x);
      const auto b = by.read(y.raw(), begin, n, scratch_y);
      char* out = static_cast<char*>(z.raw()) + begin * out_size;
      if (a.scalar && b.scalar) {
        loops.vector_scalar(a.data, b.data, out, 1);
        fill_with_first(z, begin, n);
      } else {
        (b.scalar ? loops.vector_scalar : a.scalar ? loops.scalar_vector : loops.vector_vector)(a.data, b.data, out, n);
      }
    };
    for_each_stretch(chunk_begin, chunk_end, kStretch, stretch, bx, by);
  });
}

class UnaryKernel {
 public:
  UnaryKernel(Unary f, DType dtype, double cost) : f_(f), dtype_(dtype), cost_(cost_of(cost, dtype)) {}
  void operator()(KernelContext& c) const {
    run_unary(simd::unary_table().at(f_, dtype_), cost_, c.input(0), c.output(0));
  }

 private:
  Unary f_;
  DType dtype_;
  double cost_;
};

bool divides(Binary f) {
  switch (f) {
    case Binary::kDiv:
    case Binary::kRealDiv:
    case Binary::kTruncateDiv:
    case Binary::kFloorDiv:
    case Binary::kMod:
    case Binary::kFloorMod:
    case Binary::kTruncateMod:
      return true;
    default:
      return false;
  }
}

template <class Bad>
bool any(const Tensor& t, const Bad& bad) {
  bool found = false;
  with_element(t.dtype(), [&]<class T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T>) {
      const T* p = t.data<T>();
      const int64_t n = t.num_elements();
      for (int64_t i = 0; i < n; ++i) found |= bad(p[i]);
    }
  });
  return found;
}

class BinaryKernel {
 public:
  BinaryKernel(Binary f, DType dtype, double cost) : f_(f), dtype_(dtype), cost_(cost_of(cost, dtype)) {
    refuses_zero_ = is_integer(dtype) && divides(f);
    refuses_negative_ = f == Binary::kPow && is_integer(dtype);
  }
  void operator()(KernelContext& c) const {
    const Tensor& y = c.input(1);
    if (c.output(0).num_elements() == 0) return;
    if (refuses_zero_) check(!any(y, [](auto v) { return v == 0; }), "Integer division by zero");
    if (refuses_negative_)
      check(!any(y, [](auto v) { return std::make_signed_t<decltype(v)>(v) < 0; }),
            "Integers to negative integer powers are not allowed");
    run_binary(simd::binary_table().at(f_, dtype_), cost_, c.input(0), y, c.output(0));
  }

 private:
  Binary f_;
  DType dtype_;
  double cost_;
  bool refuses_zero_, refuses_negative_;
};

// `kernel` serves every node: nothing of it depends on attributes.
template <class K>
KernelFactory shared_kernel(K kernel) {
  auto state = std::make_shared<const K>(kernel);
  return [state](const Attrs&) {
    return Kernel{[](const void* k, KernelContext& c) { (*static_cast<const K*>(k))(c); }, state};
  };
}

struct AddStrings {
  static void run(KernelContext& c) {
    const Tensor &x = c.input(0), &y = c.input(1);
    Tensor& z = c.output(0);
    const BroadcastInput bx(x.shape(), z.shape(), 1), by(y.shape(), z.shape(), 1);
    for (int64_t i = 0, n = z.num_elements(); i < n; ++i)
      z.data<std::string>()[i] = x.data<std::string>()[bx.index(i)] + y.data<std::string>()[by.index(i)];
  }
};

}  // namespace

std::string type_attr(DTypeMask types, std::string_view name) {
  std::string spec = std::string(name) + ": {";
  for (int d = 0; d < simd::kNumDTypes; ++d) {
    if (!(types >> d & 1)) continue;
    if (spec.back() != '{') spec += ", ";
    spec += dtype_name(static_cast<DType>(d));
  }
  return spec + "}";
}

int64_t elementwise_grain(double cost, size_t bytes_per_element) {
  return std::min(grain_for_cost(cost), grain_for_bytes(static_cast<int64_t>(bytes_per_element)));
}

void run_unary(simd::UnaryLoop loop, double cost, const Tensor& x, Tensor& y) {
  const size_t in_size = dtype_size(x.dtype()), out_size = dtype_size(y.dtype());
  const char* in = static_cast<const char*>(x.raw());
  char* out = static_cast<char*>(y.raw());
  parallel_for(x.num_elements(), elementwise_grain(cost, in_size + out_size),
               [&](int64_t begin, int64_t end) { loop(in + begin * in_size, out + begin * out_size, end - begin); });
}

void run_binary(const simd::BinaryLoops& loops, double cost, const Tensor& x, const Tensor& y, Tensor& z) {
  const size_t in_size = dtype_size(x.dtype()), out_size = dtype_size(z.dtype());
  const int64_t n = z.num_elements();
  if (n == 0) return;
  const int64_t grain = elementwise_grain(cost, 2 * in_size + out_size);
  const bool full_x = x.num_elements() == n, full_y = y.num_elements() == n;
  if (!(full_x || x.num_elements() == 1) || !(full_y || y.num_elements() == 1) || !(full_x || full_y))
    return run_broadcast(loops, grain, x, y, z);
  const size_t step_x = full_x ? in_size : 0, step_y = full_y ? in_size : 0;
  const auto loop = full_x && full_y ? loops.vector_vector : full_x ? loops.vector_scalar : loops.scalar_vector;
  const char *px = static_cast<const char*>(x.raw()), *py = static_cast<const char*>(y.raw());
  char* pz = static_cast<char*>(z.raw());
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    loop(px + begin * step_x, py + begin * step_y, pz + begin * out_size, end - begin);
  });
}

void add_unary_kernels(Registry& r, std::string_view op, Unary f, DTypeMask types, double cost) {
  const bool has_attr = !r.find(op).kernel_attr.empty();
  for (int d = 0; d < simd::kNumDTypes; ++d)
    if (types >> d & 1)
      r.add(op, DeviceKind::kCPU, has_attr ? static_cast<DType>(d) : DType::kInvalid,
            shared_kernel(UnaryKernel(f, static_cast<DType>(d), cost)));
}

void add_binary_kernels(Registry& r, std::string_view op, Binary f, DTypeMask types, double cost) {
  const bool has_attr = !r.find(op).kernel_attr.empty();
  for (int d = 0; d < simd::kNumDTypes; ++d)
    if (types >> d & 1)
      r.add(op, DeviceKind::kCPU, has_attr ? static_cast<DType>(d) : DType::kInvalid,
            shared_kernel(BinaryKernel(f, static_cast<DType>(d), cost)));
}

void register_elementwise(Registry& r) {
  using namespace simd;
#define TFMINI_REGISTER(Name, types, cost, ...)                                                                       \
  r.op(#Name).input("x: T").output("y: T").attr(type_attr(types)).shape(shapes::unchanged).in_place(0).elementwise(); \
  add_unary_kernels(r, #Name, Unary::k##Name, types, cost);
  TFMINI_UNARY_MATH(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER(Name, types, cost, ...)                                                              \
  r.op(#Name).input("x: T").output("y: bool").attr(type_attr(types)).shape(shapes::unchanged).elementwise(); \
  add_unary_kernels(r, #Name, Unary::k##Name, types, cost);
  TFMINI_PREDICATES(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER_AS(Name, types, cost, in0, in1, out) \
  r.op(#Name)                                                \
      .input(in0 ": T")                                      \
      .input(in1 ": T")                                      \
      .output(out ": T")                                     \
      .attr(type_attr(types))                                \
      .shape(shapes::broadcast_all)                          \
      .in_place(0)                                           \
      .in_place(1)                                           \
      .elementwise();                                        \
  add_binary_kernels(r, #Name, Binary::k##Name, (types) & ~mask_of(DType::kString), cost);
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, add_types(#Name, types), cost, "x", "y", "z")
  // Add, unlike AddV2, concatenates strings.
  auto add_types = [](std::string_view name, DTypeMask types) {
    return name == "Add" ? types | mask_of(DType::kString) : types;
  };
  TFMINI_BINARY_MATH(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "y", "x", "z")
  TFMINI_ATAN2(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "a", "x", "z")
  TFMINI_POLYGAMMA(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "x", "q", "z")
  TFMINI_ZETA(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "y", "dy", "z")
  TFMINI_RESULT_GRADS(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#undef TFMINI_REGISTER_AS
  r.kernel("Add", DeviceKind::kCPU, DType::kString, &AddStrings::run);
}

}  // namespace tfmini

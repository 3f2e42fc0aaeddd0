// Activations of neural networks and their gradients.
#include "core/parallel.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

// A scalar attribute as the second operand of a vector-scalar loop.
class WithAlpha {
 public:
  explicit WithAlpha(const Attrs& attrs) : dtype_(attrs.dtype("T")), alpha_(dtype_, Shape{}) {
    const float alpha = attrs.real("alpha");
    switch (dtype_) {
      case DType::kDouble:
        alpha_.data<double>()[0] = alpha;
        break;
      case DType::kHalf:
        alpha_.data<Half>()[0] = Half(alpha);
        break;
      case DType::kBFloat16:
        alpha_.data<BFloat16>()[0] = BFloat16(alpha);
        break;
      default:
        alpha_.data<float>()[0] = alpha;
        break;
    }
  }

 protected:
  DType dtype_;
  Tensor alpha_;
};

class LeakyRelu : WithAlpha {
 public:
  using WithAlpha::WithAlpha;
  void operator()(KernelContext& c) const {
    run_binary(simd::binary_table().at(simd::Binary::kLeakyRelu, dtype_), 0.2, c.input(0), alpha_, c.output(0));
  }
};

// dy times 1 or alpha, by the sign of the features.
class LeakyReluGrad : WithAlpha {
 public:
  using WithAlpha::WithAlpha;
  void operator()(KernelContext& c) const {
    const Tensor &dy = c.input(0), &x = c.input(1);
    const int size = static_cast<int>(dtype_size(dtype_));
    const auto slope = simd::binary_table().at(simd::Binary::kLeakyReluSlope, dtype_).vector_scalar;
    const auto multiply = simd::binary_table().at(simd::Binary::kMul, dtype_).vector_vector;
    const char *pg = static_cast<const char*>(dy.raw()), *px = static_cast<const char*>(x.raw());
    char* pz = static_cast<char*>(c.output(0).raw());
    parallel_for(dy.num_elements(), elementwise_grain(0.3, 3 * size), [&](int64_t begin, int64_t end) {
      constexpr int64_t kBlock = 1024;
      alignas(64) char slopes[kBlock * 8];
      for (int64_t i = begin; i < end; i += kBlock) {
        const int64_t n = end - i < kBlock ? end - i : kBlock;
        slope(px + i * size, alpha_.raw(), slopes, n);
        multiply(pg + i * size, slopes, pz + i * size, n);
      }
    });
  }
};

template <class K>
void add_float_kernels(Registry& r, std::string_view op) {
  for (DType d : {DType::kFloat, DType::kDouble, DType::kHalf, DType::kBFloat16}) r.kernel<K>(op, DeviceKind::kCPU, d);
}

}  // namespace

void register_activation(Registry& r) {
  using namespace simd;
#define TFMINI_REGISTER(Name, types, cost, ...) \
  r.op(#Name)                                   \
      .input("features: T")                     \
      .output("activations: T")                 \
      .attr(type_attr(types))                   \
      .shape(shapes::unchanged)                 \
      .in_place(0)                              \
      .elementwise();                           \
  add_unary_kernels(r, #Name, Unary::k##Name, types, cost);
  TFMINI_ACTIVATIONS(TFMINI_REGISTER)
#undef TFMINI_REGISTER

#define TFMINI_REGISTER_AS(Name, types, cost, in1) \
  r.op(#Name)                                      \
      .input("gradients: T")                       \
      .input(in1 ": T")                            \
      .output("backprops: T")                      \
      .attr(type_attr(types))                      \
      .shape(shapes::merged)                       \
      .in_place(0)                                 \
      .in_place(1)                                 \
      .elementwise();                              \
  add_binary_kernels(r, #Name, Binary::k##Name, types, cost);
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "features")
  TFMINI_FEATURE_GRADS(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#define TFMINI_REGISTER(Name, types, cost, ...) TFMINI_REGISTER_AS(Name, types, cost, "outputs")
  TFMINI_OUTPUT_GRADS(TFMINI_REGISTER)
#undef TFMINI_REGISTER
#undef TFMINI_REGISTER_AS

  r.op("LeakyRelu")
      .input("features: T")
      .output("activations: T")
      .attr("alpha: float = 0.2")
      .attr("T: {half, bfloat16, float, double} = float")
      .shape(shapes::unchanged)
      .in_place(0)
      .elementwise();
  add_float_kernels<LeakyRelu>(r, "LeakyRelu");
  r.op("LeakyReluGrad")
      .input("gradients: T")
      .input("features: T")
      .output("backprops: T")
      .attr("alpha: float = 0.2")
      .attr("T: {half, bfloat16, float, double} = float")
      .shape(shapes::merged)
      .in_place(0)
      .in_place(1)
      .elementwise();
  add_float_kernels<LeakyReluGrad>(r, "LeakyReluGrad");
}

}  // namespace tfmini

// Products that share a right-hand matrix, which is packed once for all of them: _PackMatrix makes a value of a
// PackedMatrix, _PackedMatMul is a _FusedMatMul that takes it. Made by passes/pack_weights.cc.
#include <memory>

#include "core/infer.h"
#include "core/registry.h"
#include "gemm/gemm.h"
#include "ops/matmul.h"

namespace tfmini {
namespace {

// A scalar variant holds the matrix.
void pack_shape(InferContext& c) {
  c.with_rank(0, 2);
  c.set_output(0, Shape{});
}

// Inputs: a, b, what _PackMatrix made of b, and the arguments of fused_ops.
constexpr int kPacked = 2;

void packed_matmul_shape(InferContext& c) {
  const Shape a = c.with_rank(0, 2), b = c.with_rank(1, 2);
  const Transposes t(c.attrs());
  c.with_rank(kPacked, 0);
  merge_dims(a[t.a ? 0 : 1], b[t.b ? 1 : 0], "the inner dimensions of a product");
  c.set_output(0, Shape{a[t.a ? 1 : 0], b[t.b ? 0 : 1]});
}

template <class T>
class PackMatrix {
 public:
  explicit PackMatrix(const Attrs& attrs) : transpose_(attrs.flag("transpose_b")) {}

  void operator()(KernelContext& c) const {
    const Tensor& b = c.input(0);
    const int64_t rows = b.dim(transpose_ ? 1 : 0), cols = b.dim(transpose_ ? 0 : 1);
    Tensor packed(DType::kVariant, Shape{});
    *packed.data<std::shared_ptr<void>>() =
        std::make_shared<PackedMatrix<T>>(rows, cols, row_major(c.in<T>(0), b.dim(1), transpose_));
    c.set_output(0, std::move(packed));
  }

 private:
  bool transpose_;
};

template <class T>
class PackedMatMul {
 public:
  explicit PackedMatMul(const Attrs& attrs) : transposes_(attrs), ops_(attrs) {}

  void operator()(KernelContext& c) const {
    const Tensor &a = c.input(0), &out = c.output(0);
    const auto& packed = *static_cast<const PackedMatrix<T>*>(c.in<std::shared_ptr<void>>(kPacked)->get());
    gemm<T>(out.dim(0), row_major(c.in<T>(0), a.dim(1), transposes_.a), packed, c.out<T>(0), out.dim(1),
            ops_.epilogue<T>(c, 1));
  }

 private:
  Transposes transposes_;
  FusedMatMulOps ops_;
};

}  // namespace

void register_packed_matmul(Registry& r) {
  r.op("_PackMatrix")
      .input("b: T")
      .output("packed: variant")
      .attr("transpose_b: bool = false")
      .attr("T: {float, double}")
      .shape(pack_shape)
      .dynamic_output()
      .kernel_attr("T");
  r.kernels<PackMatrix>("_PackMatrix", DeviceKind::kCPU, TypeList<float, double>{});

  OpBuilder product = r.op("_PackedMatMul");
  product.input("a: T").input("b: T").input("packed: variant");
  add_fused_ops(product).shape(packed_matmul_shape);
  r.kernels<PackedMatMul>("_PackedMatMul", DeviceKind::kCPU, TypeList<float, double>{});
}

}  // namespace tfmini

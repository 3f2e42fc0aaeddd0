#include "ops/matmul.h"

#include "core/registry.h"
#include "gemm/gemm.cuh"

namespace tfmini {
namespace cuda {
namespace {

template <class T>
cuda::Gemm<T> product(KernelContext& c, const Transposes& transposes) {
  const Tensor &a = c.input(0), &out = c.output(0);
  return cuda::dense_gemm<T>(out.dim(-2), out.dim(-1), a.dim(transposes.a ? -2 : -1), c.in<T>(0), transposes.a,
                             c.in<T>(1), transposes.b, c.out<T>(0));
}

template <class T>
class MatMul {
 public:
  explicit MatMul(const Attrs& attrs) : transposes_(attrs) {}
  void operator()(KernelContext& c) const {
    if (c.output(0).num_elements() == 0) return;
    cuda::gemm(cuda::place(c.device()), product<T>(c, transposes_));
  }

 private:
  Transposes transposes_;
};

template <class T>
class FusedMatMul {
 public:
  explicit FusedMatMul(const Attrs& attrs) : transposes_(attrs), ops_(attrs) {}
  void operator()(KernelContext& c) const {
    if (c.output(0).num_elements() == 0) return;
    cuda::Gemm<T> g = product<T>(c, transposes_);
    if (ops_.bias) g.epilogue.bias = c.in<T>(ops_.kBias);
    if (ops_.add) g.epilogue.add = c.in<T>(ops_.added());
    if (ops_.relu) g.epilogue.low = 0;
    cuda::gemm(cuda::place(c.device()), g);
  }

 private:
  Transposes transposes_;
  FusedMatMulOps ops_;
};

// As many matrices in one launch as lie at equal distances in both inputs.
template <class T>
class BatchMatMul {
 public:
  explicit BatchMatMul(const Attrs& attrs) : transposes_(attrs) {}
  void operator()(KernelContext& c) const {
    const Shape& out = c.output(0).shape();
    if (c.output(0).num_elements() == 0) return;
    const BatchOffsets a(c.input(0).shape(), out), b(c.input(1).shape(), out);
    int dims = out.rank() - 2;
    while (a.stride_of(dims) < 0 || b.stride_of(dims) < 0) --dims;
    const int64_t batch = out.product(0, out.rank() - 2);
    cuda::Gemm<T> g = product<T>(c, transposes_);
    g.batch = out.product(out.rank() - 2 - dims, out.rank() - 2);
    g.a_batch = a.stride_of(dims);
    g.b_batch = b.stride_of(dims);
    g.c_batch = g.m * g.n;
    const cuda::Place place = cuda::place(c.device());
    for (int64_t i = 0; i < batch; i += g.batch) {
      g.a = c.in<T>(0) + a(i);
      g.b = c.in<T>(1) + b(i);
      g.c = c.out<T>(0) + i * g.c_batch;
      cuda::gemm(place, g);
    }
  }

 private:
  Transposes transposes_;
};

}  // namespace
}  // namespace cuda

void register_matmul_cuda(Registry& r) {
  r.kernels<cuda::MatMul>("MatMul", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::FusedMatMul>("_FusedMatMul", DeviceKind::kCUDA, TypeList<float, double>{});
  r.kernels<cuda::BatchMatMul>("BatchMatMul", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::BatchMatMul>("BatchMatMulV2", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini

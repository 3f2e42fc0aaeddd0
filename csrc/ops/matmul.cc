// MatMul of two matrices, _FusedMatMul with a bias, a matrix to add, relu and weights packed once, BatchMatMul of two
// stacks of matrices (V2: the stacks broadcast).
#include "ops/matmul.h"

#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "gemm/matmul.h"
#include "ops/latest.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

using MatMulTypes = TypeList<float, double, Half, BFloat16, int32_t, int64_t>;

// Sets rows and columns of the product from the last two dimensions of both inputs; the inner
// dimensions must agree.
void add_matrix_dims(const Shape& a, const Shape& b, const Transposes& t, Shape* out) {
  const int64_t a_inner = a.dim(t.a ? -2 : -1), b_inner = b.dim(t.b ? -1 : -2);
  check(a_inner < 0 || b_inner < 0 || a_inner == b_inner, "Dimensions must be equal, but are ", a_inner, " and ",
        b_inner, ": cannot multiply ", a, t.a ? " (transposed)" : "", " by ", b, t.b ? " (transposed)" : "");
  out->add_dim(a.dim(t.a ? -1 : -2));
  out->add_dim(b.dim(t.b ? -2 : -1));
}

void matmul_shape(InferContext& c) {
  Shape out;
  add_matrix_dims(c.with_rank(0, 2), c.with_rank(1, 2), Transposes(c.attrs()), &out);
  c.set_output(0, out);
}

void fused_matmul_shape(InferContext& c) {
  matmul_shape(c);
  const FusedMatMulOps ops(c.attrs());
  if (ops.add) c.set_output(0, merge(c.output(0), c.input(ops.added())));
  const Shape& out = c.output(0);
  const Shape& bias = ops.bias ? c.input(ops.kBias) : Shape::unknown();
  if (!bias.known_rank()) return;
  check(bias.rank() == 1 || (bias.rank() == 2 && bias[0] == 1), "the bias must be a row, got shape ", bias);
  check(bias.dim(-1) < 0 || out[1] < 0 || bias.dim(-1) == out[1], "the product ", out, " has ", out[1],
        " columns, the bias ", bias, " has ", bias.dim(-1), " values");
}

void batch_matmul_shape(InferContext& c) {
  const Shape a = c.with_rank_at_least(0, 2), b = c.with_rank_at_least(1, 2);
  if (!a.known_rank() || !b.known_rank()) return c.set_output(0, Shape::unknown());
  const Shape a_batch = subshape(a, 0, a.rank() - 2), b_batch = subshape(b, 0, b.rank() - 2);
  Shape out = c.def().name == "BatchMatMulV2" ? broadcast(a_batch, b_batch) : merge(a_batch, b_batch);
  add_matrix_dims(a, b, Transposes(c.attrs()), &out);
  c.set_output(0, out);
}

template <class T>
class MatMul {
 public:
  explicit MatMul(const Attrs& attrs) : transposes_(attrs) {}

  void operator()(KernelContext& c) const {
    const Tensor& a = c.input(0);
    const int64_t k = a.dim(transposes_.a ? 0 : 1);
    const Tensor& out = c.output(0);
    matmul<T>(out.dim(0), out.dim(1), k, row_major(c.in<T>(0), a.dim(1), transposes_.a),
              row_major(c.in<T>(1), c.input(1).dim(1), transposes_.b), c.out<T>(0));
  }

 private:
  Transposes transposes_;
};

// Weights in panels, and what they were made from.
template <class T>
struct PackedWeights {
  Tensor weights;
  PackedMatrix<T> panels;
  Isa isa;
  bool matches(const Tensor& b) const { return weights.raw() == b.raw() && isa == best_isa(); }
};

template <class T>
class FusedMatMul {
 public:
  explicit FusedMatMul(const Attrs& attrs)
      : transposes_(attrs), ops_(attrs), keep_weights_(attrs.has("_keep_weights") && attrs.flag("_keep_weights")) {}

  void operator()(KernelContext& c) const {
    const Tensor &a = c.input(0), &b = c.input(1), &out = c.output(0);
    const int64_t m = out.dim(0), n = out.dim(1), k = a.dim(transposes_.a ? 0 : 1);
    const auto left = row_major(c.in<T>(0), a.dim(1), transposes_.a);
    const auto right = row_major(c.in<T>(1), b.dim(1), transposes_.b);
    const auto epilogue = ops_.epilogue<T>(c);
    if (keep_weights_ && b.buffer() && m >= kManyRows)
      gemm<T>(m, left, packed(c, k, n, right)->panels, c.out<T>(0), n, epilogue);
    else
      gemm<T>(m, n, k, left, right, c.out<T>(0), n, epilogue);
  }

 private:
  // With fewer, reading the weights takes as long as the arithmetic: a copy would not be read any faster.
  static constexpr int64_t kManyRows = 5;

  static std::shared_ptr<const PackedWeights<T>> packed(KernelContext& c, int64_t k, int64_t n, MatrixRef<T> weights) {
    auto& cache = Latest<PackedWeights<T>>::of(c);
    auto kept = cache.get();
    if (!kept || !kept->matches(c.input(1))) {
      kept = std::make_shared<const PackedWeights<T>>(
          PackedWeights<T>{c.input(1), PackedMatrix<T>(k, n, weights), best_isa()});
      cache.put(kept);
    }
    return kept;
  }

  Transposes transposes_;
  FusedMatMulOps ops_;
  bool keep_weights_;
};

template <class T>
class BatchMatMul {
 public:
  explicit BatchMatMul(const Attrs& attrs) : transposes_(attrs) {}

  void operator()(KernelContext& c) const {
    const Tensor &a = c.input(0), &b = c.input(1);
    const Shape& out = c.output(0).shape();
    const int64_t m = out.dim(-2), n = out.dim(-1), k = a.dim(transposes_.a ? -2 : -1);
    const int64_t batch = out.product(0, out.rank() - 2);
    if (batch == 0 || m == 0 || n == 0) return;
    const BatchOffsets a_offset(a.shape(), out), b_offset(b.shape(), out);
    const auto multiply = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        matmul<T>(m, n, k, row_major(c.in<T>(0) + a_offset(i), a.dim(-1), transposes_.a),
                  row_major(c.in<T>(1) + b_offset(i), b.dim(-1), transposes_.b), c.out<T>(0) + i * m * n);
    };
    // Matrices in parallel if there are enough, else each of them on all threads.
    const double cost = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / 16;
    if (batch >= 2 * max_threads())
      parallel_for(batch, grain_for_cost(cost), multiply);
    else
      multiply(0, batch);
  }

 private:
  Transposes transposes_;
};

}  // namespace

void register_matmul(Registry& r) {
  r.op("MatMul")
      .input("a: T")
      .input("b: T")
      .output("product: T")
      .attr("transpose_a: bool = false")
      .attr("transpose_b: bool = false")
      .attr("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}")
      .shape(matmul_shape);
  r.kernels<MatMul>("MatMul", DeviceKind::kCPU, MatMulTypes{});

  OpBuilder fused = r.op("_FusedMatMul");
  fused.input("a: T").input("b: T");
  add_fused_ops(fused).attr("epsilon: float = 0.0001").shape(fused_matmul_shape);
  r.kernels<FusedMatMul>("_FusedMatMul", DeviceKind::kCPU, TypeList<float, double>{});

  for (const char* name : {"BatchMatMul", "BatchMatMulV2"}) {
    r.op(name)
        .input("x: T")
        .input("y: T")
        .output("output: T")
        .attr("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}")
        .attr("adj_x: bool = false")
        .attr("adj_y: bool = false")
        .shape(batch_matmul_shape);
    r.kernels<BatchMatMul>(name, DeviceKind::kCPU, MatMulTypes{});
  }
}

}  // namespace tfmini

// Inverses, determinants, Cholesky factors and linear systems of stacks of matrices (linalg_steps.cuh); cross products.
// The host waits to learn whether a matrix was singular, and raises the CPU's error.
#include <limits>

#include "core/registry.h"
#include "core/stream.h"
#include "ops/linalg_steps.cuh"
#include "ops/strided_copy.h"

namespace tfmini::cuda {
namespace {

// The number of the first matrix that a kernel found something wrong with.
class Wrong {
 public:
  explicit Wrong(const KernelContext& c) : c_(c), found_(c.scratch(DType::kInt32, Shape{})) {
    c.device().copy_from_host(found_.raw(), &kNone, sizeof kNone);
  }
  int32_t* device() { return found_.data<int32_t>(); }
  // Waits. kNone if there is none.
  int32_t wait() {
    int32_t found;
    c_.device().copy_to_host(&found, found_.raw(), sizeof found);
    c_.device().synchronize();
    return found;
  }
  void check_invertible() {
    const int32_t found = wait();
    check(found == kNone, "input matrix ", found, " is not invertible");
  }
  static constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

 private:
  const KernelContext& c_;
  Tensor found_;
};

template <class T>
View<T> view(T* at, int64_t rows, int64_t columns) {
  return {at, columns, 1, rows * columns};
}
template <class T>
View<const T> read_only(const View<T>& v) {
  return {v.at, v.down, v.right, v.next};
}
dim3 blocks_of(int64_t count) { return dim3(static_cast<unsigned>(count)); }
int64_t count_matrices(const Tensor& t) { return t.shape().product(0, t.shape().rank() - 2); }

// The steps for `count` matrices each.
template <class T>
class Steps {
 public:
  Steps(const KernelContext& c, int64_t count) : s_(stream(c)), count_(count) {}

  void factor_panel(View<T> a, int64_t rows, int64_t columns, int32_t* pivots, int64_t order, int32_t* wrong) const {
    const size_t bytes = static_cast<size_t>(rows * padded(columns)) * sizeof(T);
    const bool in_shared = bytes <= kMostShared;
    launch(&factor_lu<T>, blocks_of(count_), kThreads, in_shared ? bytes : 0, s_, a, rows, columns, pivots, order,
           in_shared, wrong);
  }
  void swap(View<T> x, int64_t columns, const int32_t* pivots, int64_t order, int64_t rows) const {
    const int64_t n = count_ * columns;
    if (n > 0) launch(&swap_rows<T>, blocks_for(n), kThreads, 0, s_, x, columns, pivots, order, rows, n);
  }
  void subtract(View<T> c, View<T> a, View<T> b, int64_t rows, int64_t columns, int64_t depth,
                bool lower = false) const {
    subtract(c, read_only(a), read_only(b), rows, columns, depth, lower);
  }
  void subtract(View<T> c, View<const T> a, View<const T> b, int64_t rows, int64_t columns, int64_t depth,
                bool lower = false) const {
    const int64_t tiles = ((rows + kSide - 1) / kSide) * ((columns + kSide - 1) / kSide);
    if (tiles > 0)
      launch(&subtract_product<T>, blocks_of(count_ * tiles), kThreads, 0, s_, c, a, b, rows, columns, depth, lower);
  }
  // L x = b in place, for a lower triangle of n rows and m columns of x.
  void solve(View<const T> l, View<T> x, int64_t n, int64_t m, bool unit, int32_t* wrong = nullptr) const {
    if (m == 0) return;
    for (int64_t k = 0, width; k < n; k += width) {
      width = std::min(panel_width<T>(n), n - k);
      launch(&solve_lower<T>, blocks_of(count_ * ((m + kSolved - 1) / kSolved)), kThreads,
             static_cast<size_t>(width * kSolved) * sizeof(T), s_, l.block(k, k), x.block(k, 0), width, m, unit, wrong);
      subtract(x.block(k + width, 0), l.block(k + width, k), read_only(x.block(k, 0)), n - k - width, m, width);
    }
  }
  void solve(View<T> l, View<T> x, int64_t n, int64_t m, bool unit) const { solve(read_only(l), x, n, m, unit); }

  void factor_cholesky(View<T> a, int64_t n, int32_t* wrong) const {
    for (int64_t k = 0, width; k < n; k += width) {
      width = std::min(panel_width<T>(n), n - k);
      launch(&cuda::factor_cholesky<T>, blocks_of(count_), kThreads,
             static_cast<size_t>(width * padded(width)) * sizeof(T), s_, a.block(k, k), width, wrong);
      const int64_t left = n - k - width;
      const View<T> below = a.block(k + width, k);
      solve(a.block(k, k), below.transposed(), width, left, false);
      subtract(a.block(k + width, k + width), below, below.transposed(), left, left, width, true);
    }
  }

 private:
  cudaStream_t s_;
  int64_t count_;
};

// P A = L U, in scratch memory.
template <class T>
class Lu {
 public:
  Lu(const KernelContext& c, const Tensor& a, bool transposed, int32_t* wrong)
      : n_(a.dim(-1)),
        steps_(c, count_matrices(a)),
        lu_(c.scratch(a.dtype(), a.shape())),
        pivots_(c.scratch(DType::kInt32, Shape{count_matrices(a), n_})) {
    StridedCopy copy;
    copy.dim(count_matrices(a), n_ * n_, n_ * n_);
    copy.dim(n_, transposed ? 1 : n_, n_).dim(n_, transposed ? n_ : 1, 1);
    copy(c, a.dtype(), a.raw(), lu_.raw());
    const View<T> m = matrix();
    int32_t* pivots = pivots_.data<int32_t>();
    for (int64_t k = 0, width; k < n_; k += width) {
      width = std::min(panel_width<T>(n_), n_ - k);
      const int64_t left = n_ - k - width;
      steps_.factor_panel(m.block(k, k), n_ - k, width, pivots + k, n_, wrong);
      steps_.swap(m.block(k, 0), k, pivots + k, n_, width);
      steps_.swap(m.block(k, k + width), left, pivots + k, n_, width);
      steps_.solve(m.block(k, k), m.block(k, k + width), width, left, true);
      steps_.subtract(m.block(k + width, k + width), m.block(k + width, k), m.block(k, k + width), left, left, width);
    }
  }

  View<T> matrix() { return view(lu_.data<T>(), n_, n_); }
  const T* factors() const { return lu_.data<T>(); }
  const int32_t* pivots() const { return pivots_.data<int32_t>(); }

  // A x = b, in place, for m right-hand sides.
  void solve(T* at, int64_t m) {
    const View<T> x = view(at, n_, m);
    for (int64_t k = 0, width; k < n_; k += width) {
      width = std::min(panel_width<T>(n_), n_ - k);
      steps_.swap(x.block(k, 0), m, pivots() + k, n_, width);
    }
    steps_.solve(matrix(), x, n_, m, true);
    steps_.solve(matrix().from_last(n_, n_), x.rows_from_last(n_), n_, m, false);
  }

 private:
  int64_t n_;
  Steps<T> steps_;
  Tensor lu_, pivots_;
};

template <class T>
__global__ void __launch_bounds__(kThreads) write_identity(T* out, int64_t order, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) out[i] = i / order % order == i % order ? T(1) : T(0);
}

template <class T>
class MatrixInverse {
 public:
  explicit MatrixInverse(const Attrs& attrs) : adjoint_(attrs.flag("adjoint")) {}
  void operator()(KernelContext& c) const {
    const int64_t order = c.input(0).dim(-1), n = c.input(0).num_elements();
    if (n == 0) return;
    Wrong wrong(c);
    Lu<T> lu(c, c.input(0), adjoint_, wrong.device());
    launch(&write_identity<T>, blocks_for(n), kThreads, 0, stream(c), c.out<T>(0), order, n);
    lu.solve(c.out<T>(0), order);
    wrong.check_invertible();
  }

 private:
  bool adjoint_;
};

template <class T>
class MatrixSolve {
 public:
  explicit MatrixSolve(const Attrs& attrs) : adjoint_(attrs.flag("adjoint")) {}
  void operator()(KernelContext& c) const {
    if (c.input(0).num_elements() == 0) return;
    Wrong wrong(c);
    Lu<T> lu(c, c.input(0), adjoint_, wrong.device());
    copy_run(c, c.output_dtype(0), c.input(1).raw(), c.output(0).raw(), c.output(0).num_elements());
    lu.solve(c.out<T>(0), c.output(0).dim(-1));
    wrong.check_invertible();
  }

 private:
  bool adjoint_;
};

template <class T>
class MatrixTriangularSolve {
 public:
  explicit MatrixTriangularSolve(const Attrs& attrs) : lower_(attrs.flag("lower")), adjoint_(attrs.flag("adjoint")) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).dim(-1), m = c.output(0).dim(-1);
    if (c.output(0).num_elements() == 0) return;
    Wrong wrong(c);
    copy_run(c, c.output_dtype(0), c.input(1).raw(), c.output(0).raw(), c.output(0).num_elements());
    View<const T> a = view(c.in<T>(0), n, n);
    View<T> x = view(c.out<T>(0), n, m);
    if (adjoint_) a = a.transposed();
    if (lower_ == adjoint_) {  // the transpose of a lower triangle is an upper one
      a = a.from_last(n, n);
      x = x.rows_from_last(n);
    }
    Steps<T>(c, count_matrices(c.input(0))).solve(a, x, n, m, false, wrong.device());
    wrong.check_invertible();
  }

 private:
  bool lower_, adjoint_;
};

template <class T>
__global__ void __launch_bounds__(kThreads) zero_above(T* out, int64_t order, int64_t n) {
  const int64_t i = thread_index();
  if (i < n && i % order > i / order % order) out[i] = T(0);
}

template <class T>
struct Cholesky {
  static void run(KernelContext& c) {
    const int64_t order = c.input(0).dim(-1), n = c.input(0).num_elements();
    if (n == 0) return;
    T* out = c.out<T>(0);
    Wrong wrong(c);
    copy_run(c, c.output_dtype(0), c.input(0).raw(), out, n);
    Steps<T>(c, count_matrices(c.input(0))).factor_cholesky(view(out, order, order), order, wrong.device());
    launch(&zero_above<T>, blocks_for(n), kThreads, 0, stream(c), out, order, n);
    const int32_t found = wrong.wait();
    check(found == Wrong::kNone, "Cholesky decomposition of matrix ", found,
          " was not successful: the input is not positive definite");
  }
};

// The determinant of each matrix, or its sign and the logarithm of its size.
template <class T>
__global__ void __launch_bounds__(kThreads) multiply_pivots(const T* lu, const int32_t* pivots, int64_t order,
                                                            int64_t panel, T* determinant, T* sign, T* log, int64_t n) {
  const int64_t k = thread_index();
  if (k >= n) return;
  T s = T(1), sum = T(0);
  for (int64_t i = 0; i < order; ++i)
    if (pivots[k * order + i] != i % panel) s = -s;
  T product = s;
  for (int64_t i = 0; i < order; ++i) {
    const T pivot = lu[(k * order + i) * order + i];
    product *= pivot;
    if (pivot < T(0)) s = -s;
    if (pivot == T(0)) s = T(0);
    sum += simd::math::log(simd::math::abs(pivot));
  }
  if (determinant) {
    determinant[k] = product;
  } else {
    sign[k] = s;
    log[k] = sum;
  }
}

template <class T>
void determinants(KernelContext& c, T* determinant, T* sign, T* log) {
  const int64_t count = count_matrices(c.input(0));
  if (count == 0) return;
  const Lu<T> lu(c, c.input(0), false, nullptr);
  launch(&multiply_pivots<T>, blocks_for(count), kThreads, 0, stream(c), lu.factors(), lu.pivots(), c.input(0).dim(-1),
         panel_width<T>(c.input(0).dim(-1)), determinant, sign, log, count);
}

template <class T>
struct MatrixDeterminant {
  static void run(KernelContext& c) { determinants<T>(c, c.out<T>(0), nullptr, nullptr); }
};
template <class T>
struct LogMatrixDeterminant {
  static void run(KernelContext& c) { determinants<T>(c, nullptr, c.out<T>(0), c.out<T>(1)); }
};

template <class T>
__global__ void __launch_bounds__(kThreads) cross_product(const T* a, const T* b, T* out, int64_t n) {
  using C = std::conditional_t<std::is_integral_v<T>, uint64_t, ComputeType<T>>;  // integers wrap
  const int64_t i = 3 * thread_index();
  if (i >= n) return;
  C x[3], y[3];
#pragma unroll
  for (int k = 0; k < 3; ++k) {
    x[k] = static_cast<C>(widen(a[i + k]));
    y[k] = static_cast<C>(widen(b[i + k]));
  }
  out[i] = narrow<T>(x[1] * y[2] - x[2] * y[1]);
  out[i + 1] = narrow<T>(x[2] * y[0] - x[0] * y[2]);
  out[i + 2] = narrow<T>(x[0] * y[1] - x[1] * y[0]);
}

template <class T>
struct Cross {
  static void run(KernelContext& c) {
    const int64_t n = c.output(0).num_elements();
    if (n > 0)
      launch(&cross_product<T>, blocks_for(n / 3), kThreads, 0, stream(c), c.in<T>(0), c.in<T>(1), c.out<T>(0), n);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_linalg_cuda(Registry& r) {
  constexpr auto kCUDA = DeviceKind::kCUDA;
  using Types = TypeList<float, double>;
  r.kernels<cuda::MatrixInverse>("MatrixInverse", kCUDA, Types{});
  r.kernels<cuda::MatrixDeterminant>("MatrixDeterminant", kCUDA, Types{});
  r.kernels<cuda::LogMatrixDeterminant>("LogMatrixDeterminant", kCUDA, Types{});
  r.kernels<cuda::Cholesky>("Cholesky", kCUDA, Types{});
  r.kernels<cuda::MatrixSolve>("MatrixSolve", kCUDA, Types{});
  r.kernels<cuda::MatrixTriangularSolve>("MatrixTriangularSolve", kCUDA, Types{});
  r.kernels<cuda::Cross>("Cross", kCUDA, TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace tfmini

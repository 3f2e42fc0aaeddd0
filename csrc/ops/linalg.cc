// Small dense linear algebra on the last two dimensions: inverse, determinant, Cholesky, linear systems; cross
// products. LU with partial pivoting; all inner loops run along rows, so they vectorise.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

using LinalgTypes = TypeList<float, double>;

Shape square(InferContext& c, int i) {
  Shape s = c.with_rank_at_least(i, 2);
  if (!s.known_rank()) return s;
  const int64_t rows = s.dim(-2), cols = s.dim(-1), n = rows < 0 ? cols : rows;
  check(rows < 0 || cols < 0 || rows == cols, "input matrices must be square, got shape ", s);
  s.set_dim(s.rank() - 2, n);
  s.set_dim(s.rank() - 1, n);
  return s;
}

void square_shape(InferContext& c) { c.set_output(0, square(c, 0)); }

void determinant_shape(InferContext& c) {
  Shape s = square(c, 0);
  for (int i = 0; s.known_rank() && i < 2; ++i) s.remove_dim(s.rank() - 1);
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
}

void solve_shape(InferContext& c) {
  const Shape a = square(c, 0);
  Shape b = c.with_rank_at_least(1, 2);
  if (a.known_rank() && b.known_rank()) {
    check(a.rank() == b.rank(), "matrix and right-hand side must have the same rank, got shapes ", a, " and ", b);
    // Equal but for the number of right-hand sides.
    Shape as_matrix = b;
    as_matrix.set_dim(b.rank() - 1, a.dim(-1));
    const int64_t columns = b.dim(-1);
    b = merge(a, as_matrix);
    b.set_dim(b.rank() - 1, columns);
  }
  c.set_output(0, b);
}

// Matrices are cut among threads by the cubic cost of one.
int64_t grain_for_matrices(int64_t n) {
  const double size = static_cast<double>(n);
  return grain_for_cost(50.0 + 0.3 * size * size * size);
}

template <class T>
void transpose(const T* in, T* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) out[j * n + i] = in[i * n + j];
}

template <class T>
void subtract_row(T* y, const T* x, T factor, int64_t count) {
  for (int64_t j = 0; j < count; ++j) y[j] -= factor * x[j];
}

// P A = L U of one matrix, in place of a copy of it.
template <class T>
class Lu {
 public:
  Lu(const T* a, int64_t n, bool transposed) : n_(n), lu_(static_cast<size_t>(n * n)), rows_(static_cast<size_t>(n)) {
    if (transposed)
      transpose(a, lu_.data(), n);
    else
      std::copy_n(a, n * n, lu_.data());
    for (int64_t i = 0; i < n; ++i) rows_[static_cast<size_t>(i)] = i;
    factor();
  }

  bool singular() const { return singular_; }
  int sign() const { return sign_; }
  T pivot(int64_t i) const { return lu_[static_cast<size_t>(i * n_ + i)]; }

  // x = A^-1 b for m right-hand sides.
  void solve(const T* b, T* x, int64_t m) const {
    for (int64_t i = 0; i < n_; ++i) {
      std::copy_n(b + rows_[static_cast<size_t>(i)] * m, m, x + i * m);
      for (int64_t k = 0; k < i; ++k) subtract_row(x + i * m, x + k * m, row(i)[k], m);
    }
    for (int64_t i = n_ - 1; i >= 0; --i) {
      for (int64_t k = i + 1; k < n_; ++k) subtract_row(x + i * m, x + k * m, row(i)[k], m);
      for (int64_t j = 0; j < m; ++j) x[i * m + j] /= pivot(i);
    }
  }

 private:
  T* row(int64_t i) { return lu_.data() + i * n_; }
  const T* row(int64_t i) const { return lu_.data() + i * n_; }

  void factor() {
    for (int64_t k = 0; k < n_; ++k) {
      int64_t best = k;
      for (int64_t i = k + 1; i < n_; ++i)
        if (std::abs(row(i)[k]) > std::abs(row(best)[k])) best = i;
      if (row(best)[k] == T(0)) singular_ = true;
      if (best != k) {
        std::swap_ranges(row(k), row(k) + n_, row(best));
        std::swap(rows_[static_cast<size_t>(k)], rows_[static_cast<size_t>(best)]);
        sign_ = -sign_;
      }
      if (row(k)[k] == T(0)) continue;
      for (int64_t i = k + 1; i < n_; ++i) {
        T* r = row(i);
        r[k] /= row(k)[k];
        subtract_row(r + k + 1, row(k) + k + 1, r[k], n_ - k - 1);
      }
    }
  }

  int64_t n_;
  std::vector<T> lu_;
  std::vector<int64_t> rows_;
  int sign_ = 1;
  bool singular_ = false;
};

int64_t count_matrices(const Tensor& t) { return t.shape().product(0, t.shape().rank() - 2); }

template <class T>
class MatrixInverse {
 public:
  explicit MatrixInverse(const Attrs& attrs) : adjoint_(attrs.flag("adjoint")) {}

  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).dim(-1);
    const T* in = c.in<T>(0);
    T* out = c.out<T>(0);
    std::vector<T> identity(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n; ++i) identity[static_cast<size_t>(i * n + i)] = T(1);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const Lu<T> lu(in + k * n * n, n, adjoint_);
        check(!lu.singular(), "input matrix ", k, " is not invertible");
        lu.solve(identity.data(), out + k * n * n, n);
      }
    });
  }

 private:
  bool adjoint_;
};

template <class T>
class MatrixSolve {
 public:
  explicit MatrixSolve(const Attrs& attrs) : adjoint_(attrs.flag("adjoint")) {}

  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).dim(-1), m = c.input(1).dim(-1);
    const T *a = c.in<T>(0), *b = c.in<T>(1);
    T* x = c.out<T>(0);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const Lu<T> lu(a + k * n * n, n, adjoint_);
        check(!lu.singular(), "input matrix ", k, " is not invertible");
        lu.solve(b + k * n * m, x + k * n * m, m);
      }
    });
  }

 private:
  bool adjoint_;
};

template <class T>
struct MatrixDeterminant {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).dim(-1);
    const T* in = c.in<T>(0);
    T* out = c.out<T>(0);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const Lu<T> lu(in + k * n * n, n, false);
        T product = static_cast<T>(lu.sign());
        for (int64_t i = 0; i < n; ++i) product *= lu.pivot(i);
        out[k] = product;
      }
    });
  }
};

// (sign, log |det|), safe where the determinant itself would overflow.
template <class T>
struct LogMatrixDeterminant {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).dim(-1);
    const T* in = c.in<T>(0);
    T *sign = c.out<T>(0), *log_det = c.out<T>(1);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const Lu<T> lu(in + k * n * n, n, false);
        T s = lu.singular() ? T(0) : static_cast<T>(lu.sign()), sum = T(0);
        for (int64_t i = 0; i < n; ++i) {
          if (lu.pivot(i) < T(0)) s = -s;
          sum += std::log(std::abs(lu.pivot(i)));
        }
        sign[k] = s;
        log_det[k] = sum;
      }
    });
  }
};

// Reads the lower triangle; writes zeros above the diagonal.
template <class T>
struct Cholesky {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).dim(-1);
    const T* in = c.in<T>(0);
    T* out = c.out<T>(0);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        check(factor(in + k * n * n, out + k * n * n, n), "Cholesky decomposition of matrix ", k,
              " was not successful: the input is not positive definite");
    });
  }

  // Row k of U = L' at a time, subtracted from the rows below it; U is then transposed into place.
  static bool factor(const T* a, T* l, int64_t n) {
    std::vector<T> u(static_cast<size_t>(n * n));
    transpose(a, u.data(), n);
    for (int64_t k = 0; k < n; ++k) {
      T* row = u.data() + k * n;
      if (!(row[k] > T(0))) return false;  // NaN too
      const T root = std::sqrt(row[k]);
      for (int64_t j = k; j < n; ++j) row[j] /= root;
      for (int64_t i = k + 1; i < n; ++i) subtract_row(u.data() + i * n + i, row + i, row[i], n - i);
      std::fill_n(row, k, T(0));
    }
    transpose(u.data(), l, n);
    return true;
  }
};

template <class T>
class MatrixTriangularSolve {
 public:
  explicit MatrixTriangularSolve(const Attrs& attrs) : lower_(attrs.flag("lower")), adjoint_(attrs.flag("adjoint")) {}

  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).dim(-1), m = c.input(1).dim(-1);
    const T *a = c.in<T>(0), *b = c.in<T>(1);
    T* x = c.out<T>(0);
    parallel_for(count_matrices(c.input(0)), grain_for_matrices(n), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) solve(a + k * n * n, b + k * n * m, x + k * n * m, n, m, k);
    });
  }

 private:
  void solve(const T* a, const T* b, T* x, int64_t n, int64_t m, int64_t which) const {
    // The transpose of a lower triangle is an upper one, and starts from the other end.
    const bool forwards = lower_ != adjoint_;
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = forwards ? step : n - 1 - step;
      std::copy_n(b + i * m, m, x + i * m);
      for (int64_t done = 0; done < step; ++done) {
        const int64_t k = forwards ? done : n - 1 - done;
        subtract_row(x + i * m, x + k * m, adjoint_ ? a[k * n + i] : a[i * n + k], m);
      }
      const T diagonal = a[i * n + i];
      check(diagonal != T(0), "input matrix ", which, " is not invertible");
      for (int64_t j = 0; j < m; ++j) x[i * m + j] /= diagonal;
    }
  }

  bool lower_, adjoint_;
};

void cross_shape(InferContext& c) {
  const Shape s = merge(c.with_rank_at_least(0, 1), c.with_rank_at_least(1, 1));
  check(!s.known_rank() || s.dim(-1) < 0 || s.dim(-1) == 3, "cross products are of 3-element vectors, got shape ", s);
  c.set_output(0, s);
}

template <class T>
struct Cross {
  static void run(KernelContext& c) {
    using C = std::conditional_t<std::is_integral_v<T>, uint64_t, ComputeType<T>>;  // integers wrap
    const int64_t n = c.output(0).num_elements() / 3;
    const T *a = c.in<T>(0), *b = c.in<T>(1);
    T* out = c.out<T>(0);
    parallel_for(n, grain_for_bytes(9 * static_cast<int64_t>(sizeof(T))), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto at = [i](const T* v, int k) { return static_cast<C>(v[3 * i + k]); };
        const C x = at(a, 1) * at(b, 2) - at(a, 2) * at(b, 1);
        const C y = at(a, 2) * at(b, 0) - at(a, 0) * at(b, 2);
        const C z = at(a, 0) * at(b, 1) - at(a, 1) * at(b, 0);
        out[3 * i] = static_cast<T>(x);
        out[3 * i + 1] = static_cast<T>(y);
        out[3 * i + 2] = static_cast<T>(z);
      }
    });
  }
};

}  // namespace

void register_linalg(Registry& r) {
  constexpr auto kCPU = DeviceKind::kCPU;
  constexpr auto kTypes = "T: {double, float}";
  r.op("MatrixInverse")
      .input("input: T")
      .output("output: T")
      .attr("adjoint: bool = false")
      .attr(kTypes)
      .shape(square_shape)
      .waits_on_gpu();
  r.kernels<MatrixInverse>("MatrixInverse", kCPU, LinalgTypes{});
  r.op("MatrixDeterminant").input("input: T").output("output: T").attr(kTypes).shape(determinant_shape);
  r.kernels<MatrixDeterminant>("MatrixDeterminant", kCPU, LinalgTypes{});
  r.op("LogMatrixDeterminant")
      .input("input: T")
      .output("sign: T")
      .output("log_abs_determinant: T")
      .attr(kTypes)
      .shape(determinant_shape);
  r.kernels<LogMatrixDeterminant>("LogMatrixDeterminant", kCPU, LinalgTypes{});
  r.op("Cholesky").input("input: T").output("output: T").attr(kTypes).shape(square_shape).waits_on_gpu();
  r.kernels<Cholesky>("Cholesky", kCPU, LinalgTypes{});
  r.op("MatrixSolve")
      .input("matrix: T")
      .input("rhs: T")
      .output("output: T")
      .attr("adjoint: bool = false")
      .attr(kTypes)
      .shape(solve_shape)
      .waits_on_gpu();
  r.kernels<MatrixSolve>("MatrixSolve", kCPU, LinalgTypes{});
  r.op("MatrixTriangularSolve")
      .input("matrix: T")
      .input("rhs: T")
      .output("output: T")
      .attr("lower: bool = true")
      .attr("adjoint: bool = false")
      .attr(kTypes)
      .shape(solve_shape)
      .waits_on_gpu();
  r.kernels<MatrixTriangularSolve>("MatrixTriangularSolve", kCPU, LinalgTypes{});
  r.op("Cross")
      .input("a: T")
      .input("b: T")
      .output("product: T")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
      .shape(cross_shape)
      .in_place(0)
      .in_place(1);
  r.kernels<Cross>("Cross", kCPU, NumberTypes{});
}

}  // namespace tfmini

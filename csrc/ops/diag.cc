// Diagonals: Diag, DiagPart, MatrixDiag, MatrixDiagPart, MatrixSetDiag, MatrixBandPart.
#include "ops/diag.h"

#include <algorithm>

#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void diag_shape(InferContext& c) {
  const Shape& in = c.with_rank_at_least(0, 1);
  c.set_output(0, concatenate(in, in));
}

void diag_kernel(KernelContext& c) {
  const int64_t n = c.input(0).num_elements();
  zero_run(c, c.output_dtype(0), c.output(0).raw(), n * n);
  StridedCopy().dim(n, 1, n + 1)(c, c.output_dtype(0), c.input(0).raw(), c.output(0).raw());
}

void diag_part_shape(InferContext& c) {
  const Shape& in = c.with_rank_at_least(0, 1);
  if (!in.known_rank()) return c.set_output(0, Shape::unknown());
  check(in.rank() % 2 == 0, "the rank must be even and non-zero, got shape ", in);
  const int half = in.rank() / 2;
  const Shape first = subshape(in, 0, half), second = subshape(in, half, in.rank());
  check(first.compatible_with(second), "the first and second half of the shape must be equal, got ", in);
  c.set_output(0, merge(first, second));
}

void diag_part_kernel(KernelContext& c) {
  const int64_t n = c.output(0).num_elements();
  StridedCopy().dim(n, n + 1, 1)(c, c.output_dtype(0), c.input(0).raw(), c.output(0).raw());
}

void matrix_diag_shape(InferContext& c) {
  Shape s = c.with_rank_at_least(0, 1);
  if (s.known_rank()) s.add_dim(s.dim(-1));
  c.set_output(0, s);
}

void write_diagonals(const KernelContext& c, const Matrices& m, const Tensor& diagonal, Tensor& out) {
  StridedCopy()
      .dim(m.count, m.diagonal(), m.rows * m.cols)
      .dim(m.diagonal(), 1, m.cols + 1)(c, out.dtype(), diagonal.raw(), out.raw());
}

void matrix_diag_kernel(KernelContext& c) {
  Tensor& out = c.output(0);
  zero_run(c, out.dtype(), out.raw(), out.num_elements());
  write_diagonals(c, Matrices(out.shape()), c.input(0), out);
}

Shape diagonal_of(const Shape& in) {
  if (!in.known_rank()) return in;
  Shape out = subshape(in, 0, in.rank() - 2);
  const int64_t m = in.dim(-2), n = in.dim(-1);
  // An unknown side could be the shorter one, unless the other is empty.
  out.add_dim(m == 0 || n == 0 ? 0 : m < 0 || n < 0 ? Shape::kUnknownDim : std::min(m, n));
  return out;
}

void matrix_diag_part_shape(InferContext& c) { c.set_output(0, diagonal_of(c.with_rank_at_least(0, 2))); }

void matrix_diag_part_kernel(KernelContext& c) {
  const Matrices m(c.input(0).shape());
  StridedCopy()
      .dim(m.count, m.rows * m.cols, m.diagonal())
      .dim(m.diagonal(), m.cols + 1, 1)(c, c.output_dtype(0), c.input(0).raw(), c.output(0).raw());
}

void matrix_set_diag_shape(InferContext& c) {
  const Shape& in = c.with_rank_at_least(0, 2);
  const Shape &diagonal = c.with_rank_at_least(1, 1), wanted = diagonal_of(in);
  check(diagonal.compatible_with(wanted), "diagonal must have shape ", wanted, " for an input of shape ", in, ", got ",
        diagonal);
  c.set_output(0, in);
}

void matrix_set_diag_kernel(KernelContext& c) {
  const Tensor& x = c.input(0);
  Tensor& out = c.output(0);
  if (out.raw() != x.raw()) copy_run(c, x.dtype(), x.raw(), out.raw(), x.num_elements());
  write_diagonals(c, Matrices(out.shape()), c.input(1), out);
}

void matrix_band_part_shape(InferContext& c) {
  c.with_rank(1, 0);
  c.with_rank(2, 0);
  c.set_output(0, c.with_rank_at_least(0, 2));
}

void matrix_band_part_kernel(KernelContext& c) {
  const Tensor& x = c.input(0);
  Tensor& out = c.output(0);
  const Band band(c);
  const Matrices& m = band.matrices;
  const DType dtype = x.dtype();
  const bool same = out.raw() == x.raw();
  const int64_t bytes = m.cols * static_cast<int64_t>(dtype_size(dtype));
  parallel_for(m.count * m.rows, grain_for_bytes(2 * bytes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t row = r % m.rows, at = r * m.cols;
      const int64_t first = std::clamp<int64_t>(row - band.lower, 0, m.cols);
      const int64_t last = std::clamp<int64_t>(row + band.upper + 1, first, m.cols);
      zero_run(dtype, element(out, at), first);
      if (!same) copy_run(dtype, element(x, at + first), element(out, at + first), last - first);
      zero_run(dtype, element(out, at + last), m.cols - last);
    }
  });
}

}  // namespace

void register_diag(Registry& r) {
  r.op("Diag").input("diagonal: T").output("output: T").attr("T: type").shape(diag_shape);
  any_device_kernel(r, "Diag", diag_kernel);

  r.op("DiagPart").input("input: T").output("diagonal: T").attr("T: type").shape(diag_part_shape);
  any_device_kernel(r, "DiagPart", diag_part_kernel);

  r.op("MatrixDiag").input("diagonal: T").output("output: T").attr("T: type").shape(matrix_diag_shape);
  any_device_kernel(r, "MatrixDiag", matrix_diag_kernel);

  r.op("MatrixDiagPart").input("input: T").output("diagonal: T").attr("T: type").shape(matrix_diag_part_shape);
  any_device_kernel(r, "MatrixDiagPart", matrix_diag_part_kernel);

  r.op("MatrixSetDiag")
      .input("input: T")
      .input("diagonal: T")
      .output("output: T")
      .attr("T: type")
      .shape(matrix_set_diag_shape)
      .in_place(0);
  any_device_kernel(r, "MatrixSetDiag", matrix_set_diag_kernel);

  r.op("MatrixBandPart")
      .input("input: T")
      .input("num_lower: Tindex")
      .input("num_upper: Tindex")
      .output("band: T")
      .attr("T: type")
      .attr("Tindex: {int32, int64} = int64")
      .shape(matrix_band_part_shape)
      .host_input(1)
      .host_input(2)
      .in_place(0);
  r.kernel("MatrixBandPart", DeviceKind::kCPU, DType::kInvalid, matrix_band_part_kernel);
}

}  // namespace tfmini

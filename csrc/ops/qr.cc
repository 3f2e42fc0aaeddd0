// QR decompositions. The kernel is a host op (python/tfmini/ops/qr.py): LAPACK's, through NumPy.
#include <algorithm>

#include "core/registry.h"

namespace tfmini {
namespace {

// [..., M, N] -> q [..., M, P], r [..., P, N]; P is M if full_matrices, else min(M, N).
void qr_shape(InferContext& c) {
  const Shape a = c.with_rank_at_least(0, 2);
  if (!a.known_rank()) return shapes::unknown(c);
  const int64_t rows = a.dim(-2), columns = a.dim(-1);
  int64_t inner = rows;
  if (!c.attrs().flag("full_matrices")) inner = rows == -1 || columns == -1 ? -1 : std::min(rows, columns);
  Shape q = a, r = a;
  q.set_dim(a.rank() - 1, inner);
  r.set_dim(a.rank() - 2, inner);
  c.set_output(0, q);
  c.set_output(1, r);
}

}  // namespace

void register_qr(Registry& r) {
  r.op("Qr")
      .input("input: T")
      .output("q: T")
      .output("r: T")
      .attr("full_matrices: bool = false")
      .attr("T: {double, float, half}")
      .shape(qr_shape)
      .dynamic_output()
      .stateful();
}

}  // namespace tfmini

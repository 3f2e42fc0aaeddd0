// Transpose and InvertPermutation.
#include <algorithm>

#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void transpose_shape(InferContext& c) {
  const Shape& in = c.input(0);
  const Shape perm_shape = c.with_rank(1, 1);
  int rank = in.rank();
  if (perm_shape[0] >= 0) {
    check(rank < 0 || rank == perm_shape[0], "perm must have one element per dimension of the input: got ",
          perm_shape[0], " for shape ", in);
    rank = static_cast<int>(perm_shape[0]);
  }
  if (rank < 0) return c.set_output(0, Shape::unknown());
  Shape out = Shape::unknown_of_rank(rank);
  if (const auto perm = constant_ints(c, 1)) {
    bool seen[Shape::kMaxRank] = {};
    for (int i = 0; i < rank; ++i) {
      const int axis = normalize_axis((*perm)[i], rank, "perm element");
      check(!seen[axis], "perm names dimension ", axis, " twice");
      seen[axis] = true;
      if (in.known_rank()) out.set_dim(i, in[axis]);
    }
  }
  c.set_output(0, out);
}

void transpose_kernel(KernelContext& c) {
  const Tensor &x = c.input(0), &perm = c.input(1);
  Tensor& out = c.output(0);
  const auto from = row_major_strides(x.shape()), to = row_major_strides(out.shape());
  StridedCopy copy;
  for (int i = 0; i < out.rank(); ++i) copy.dim(out.dim(i), from[normalize_axis(perm.int_at(i), x.rank())], to[i]);
  copy(c, x.dtype(), x.raw(), out.raw());
}

void invert_permutation_shape(InferContext& c) { c.set_output(0, c.with_rank(0, 1)); }

template <class T>
struct InvertPermutation {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).num_elements();
    const T* x = c.in<T>(0);
    T* y = c.out<T>(0);
    std::fill_n(y, n, T(-1));
    for (int64_t i = 0; i < n; ++i) {
      check(x[i] >= 0 && x[i] < n, "x[", i, "] = ", x[i], " is not in [0, ", n, ")");
      check(y[x[i]] == -1, x[i], " is duplicated in the input");
      y[x[i]] = static_cast<T>(i);
    }
  }
};

}  // namespace

void register_transpose(Registry& r) {
  r.op("Transpose")
      .input("x: T")
      .input("perm: Tperm")
      .output("y: T")
      .attr("T: type")
      .attr("Tperm: {int32, int64} = int32")
      .shape(transpose_shape)
      .host_input(1);
  any_device_kernel(r, "Transpose", transpose_kernel);

  r.op("InvertPermutation")
      .input("x: T")
      .output("y: T")
      .attr("T: {int32, int64} = int32")
      .shape(invert_permutation_shape);
  r.kernels<InvertPermutation>("InvertPermutation", DeviceKind::kCPU, IndexTypes{});
}

}  // namespace tfmini

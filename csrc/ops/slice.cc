// Slice.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void check_begin(int axis, int64_t begin, int64_t size, int64_t dim) {
  check(begin >= 0, "begin[", axis, "] = ", begin, " must not be negative");
  check(dim < 0 || (size <= dim && begin <= dim - size), "begin[", axis, "] = ", begin, " and size[", axis,
        "] = ", size, " reach beyond dimension ", axis, " of size ", dim);
}

void slice_shape(InferContext& c) {
  const Shape& in = c.input(0);
  const int64_t length = merge_dims(c.with_rank(1, 1)[0], c.with_rank(2, 1)[0], "the lengths of begin and size");
  int rank = in.rank();
  check(rank < 0 || length < 0 || length == rank, "begin and size need one element per dimension of the input: got ",
        length, " for shape ", in);
  if (rank < 0 && length >= 0) {
    check(length <= Shape::kMaxRank, "begin has ", length, " elements");
    rank = static_cast<int>(length);
  }
  if (rank < 0) return c.set_output(0, Shape::unknown());

  Shape out = Shape::unknown_of_rank(rank);
  const auto begin = constant_ints(c, 1), size = constant_ints(c, 2);
  const Shape partial_size = c.constant_as_shape(2);
  for (int i = 0; i < rank; ++i) {
    const int64_t dim = in.known_rank() ? in[i] : Shape::kUnknownDim;
    const int64_t b = begin ? (*begin)[i] : Shape::kUnknownDim;
    if (begin) check_begin(i, b, 0, dim);
    const int64_t s = size ? (*size)[i] : partial_size.known_rank() ? partial_size[i] : Shape::kUnknownDim;
    if (size) check(s >= -1, "size[", i, "] = ", s, " must be >= -1");
    if (s >= 0) {
      check_begin(i, std::max<int64_t>(b, 0), s, dim);
      out.set_dim(i, s);
    } else if (size && begin && dim >= 0) {  // a known -1: everything from begin on
      out.set_dim(i, dim - b);
    }
  }
  c.set_output(0, out);
}

void slice_kernel(KernelContext& c) {
  const Tensor& x = c.input(0);
  Tensor& out = c.output(0);
  const auto from = row_major_strides(x.shape()), to = row_major_strides(out.shape());
  StridedCopy copy;
  int64_t offset = 0;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t begin = c.input(1).int_at(i);
    check_begin(i, begin, out.dim(i), x.dim(i));
    offset += begin * from[i];
    copy.dim(out.dim(i), from[i], to[i]);
  }
  copy(c, x.dtype(), element(x, offset), out.raw());
}

}  // namespace

void register_slice(Registry& r) {
  r.op("Slice")
      .input("input: T")
      .input("begin: Index")
      .input("size: Index")
      .output("output: T")
      .attr("T: type")
      .attr("Index: {int32, int64}")
      .shape(slice_shape)
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "Slice", slice_kernel);
}

}  // namespace tfmini

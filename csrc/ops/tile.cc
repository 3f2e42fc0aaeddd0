// Tile.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void tile_shape(InferContext& c) {
  const Shape& in = c.input(0);
  const int64_t length = c.with_rank(1, 1)[0];
  const int64_t rank = merge_dims(length, in.rank(), "the length of multiples and the rank of the input");
  if (rank < 0) return c.set_output(0, Shape::unknown());
  check(rank <= Shape::kMaxRank, "multiples has ", rank, " elements");
  const Shape multiples = c.constant_as_shape(1);
  if (const auto values = constant_ints(c, 1))
    for (int64_t m : *values) check(m >= 0, "multiples must be >= 0, got ", m);
  Shape out = Shape::unknown_of_rank(static_cast<int>(rank));
  for (int i = 0; i < out.rank() && in.known_rank() && multiples.known_rank(); ++i) {
    int64_t size = 0;
    if (in[i] != 0 && multiples[i] != 0 && (in[i] < 0 || multiples[i] < 0)) continue;
    check(!__builtin_mul_overflow(in[i], multiples[i], &size), "dimension ", i, " of size ", in[i], " repeated ",
          multiples[i], " times is too large");
    out.set_dim(i, size);
  }
  c.set_output(0, out);
}

void tile_kernel(KernelContext& c) {
  const Tensor& x = c.input(0);
  Tensor& y = c.output(0);
  const auto from = row_major_strides(x.shape()), to = row_major_strides(y.shape());
  StridedCopy copy;
  for (int i = 0; i < x.rank(); ++i) {
    copy.dim(c.input(1).int_at(i), 0, x.dim(i) * to[i]);
    copy.dim(x.dim(i), from[i], to[i]);
  }
  copy(c, x.dtype(), x.raw(), y.raw());
}

}  // namespace

void register_tile(Registry& r) {
  r.op("Tile")
      .input("input: T")
      .input("multiples: Tmultiples")
      .output("output: T")
      .attr("T: type")
      .attr("Tmultiples: {int32, int64} = int32")
      .shape(tile_shape)
      .same_if_same_shape()
      .host_input(1);
  any_device_kernel(r, "Tile", tile_kernel);
}

}  // namespace tfmini

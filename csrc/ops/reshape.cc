// Reshape, ExpandDims and Squeeze: the same elements under another shape. No kernel ever runs.
#include <algorithm>

#include "core/infer.h"
#include "core/registry.h"

namespace tfmini {
namespace {

// Product of the dimensions that are known and not 0.
int64_t nonzero_product(const Shape& shape) {
  Shape rest;
  for (int64_t d : shape)
    if (d > 0) rest.add_dim(d);
  return rest.num_elements();
}

void reshape_shape(InferContext& c) {
  c.with_rank(1, 1);
  const Shape& in = c.input(0);
  Shape out = c.constant_as_shape(1);
  if (!out.known_rank()) return c.set_output(0, out);

  int unknown = -1, unknowns = 0;
  for (int i = 0; i < out.rank(); ++i)
    if (out[i] < 0) {
      ++unknowns;
      unknown = i;
    }
  const auto dims = constant_ints(c, 1);
  if (dims) {
    for (size_t i = 0; i < dims->size(); ++i) check((*dims)[i] >= -1, "size ", i, " is negative: ", (*dims)[i]);
    check(unknowns <= 1, "only one size may be -1, got ", out);
  }
  // A size that is open, unlike a -1, may still turn out wrong: it must not be inferred away.
  if (unknowns > 0 && !dims) return c.set_output(0, out);
  const bool empty = std::count(in.begin(), in.end(), 0) > 0, asks_empty = std::count(out.begin(), out.end(), 0) > 0;
  if (!in.fully_defined() && (!empty || asks_empty)) return c.set_output(0, out);

  const int64_t elements = empty ? 0 : in.num_elements();
  if (unknowns == 1) {
    // Beside a size of 0 anything would fit: as TensorFlow does, match the non-zero dimensions.
    const int64_t others = nonzero_product(out), available = asks_empty ? nonzero_product(in) : elements;
    check(empty || available % others == 0, "cannot reshape a tensor with ", elements, " elements (shape ", in,
          ") to shape ", out, ", which needs a multiple of ", others);
    out.set_dim(unknown, available / others);
  }
  check(out.num_elements() == elements, "cannot reshape a tensor with ", elements, " elements (shape ", in,
        ") to shape ", out, " (", out.num_elements(), " elements)");
  c.set_output(0, out);
}

void expand_dims_shape(InferContext& c) {
  const Shape& in = c.input(0);
  if (!in.known_rank()) return c.set_output(0, Shape::unknown());
  const auto axis = constant_int(c, 1);
  if (!axis) return c.set_output(0, Shape::unknown_of_rank(in.rank() + 1));
  Shape out = in;
  out.insert_dim(normalize_axis(*axis, in.rank() + 1), 1);
  c.set_output(0, out);
}

void squeeze_shape(InferContext& c) {
  const Shape& in = c.input(0);
  if (!in.known_rank()) return c.set_output(0, Shape::unknown());
  const auto& axes = c.attrs().ints("squeeze_dims");
  bool squeezed[Shape::kMaxRank] = {};
  for (int64_t a : axes) {
    const int axis = normalize_axis(a, in.rank());
    check(in[axis] < 0 || in[axis] == 1, "cannot squeeze dimension ", axis, " of shape ", in, ": its size is not 1");
    squeezed[axis] = true;
  }
  // Which dimensions go depends on sizes that are not known yet.
  if (axes.empty() && !in.fully_defined()) return c.set_output(0, Shape::unknown());
  Shape out;
  for (int i = 0; i < in.rank(); ++i)
    if (axes.empty() ? in[i] != 1 : !squeezed[i]) out.add_dim(in[i]);
  c.set_output(0, out);
}

}  // namespace

void register_reshape(Registry& r) {
  r.op("Reshape")
      .input("tensor: T")
      .input("shape: Tshape")
      .output("output: T")
      .attr("T: type")
      .attr("Tshape: {int32, int64} = int32")
      .shape(reshape_shape)
      .alias()
      .host_input(1);
  r.op("ExpandDims")
      .input("input: T")
      .input("dim: Tdim")
      .output("output: T")
      .attr("T: type")
      .attr("Tdim: {int32, int64} = int32")
      .shape(expand_dims_shape)
      .alias()
      .host_input(1);
  r.op("Squeeze")
      .input("input: T")
      .output("output: T")
      .attr("T: type")
      .attr("squeeze_dims: list(int) >= 0 = []")
      .shape(squeeze_shape)
      .alias();
}

}  // namespace tfmini

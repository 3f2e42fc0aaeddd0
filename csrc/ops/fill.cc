// Fill, ZerosLike, OnesLike and BroadcastTo.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void fill_shape(InferContext& c) {
  c.with_rank(0, 1);
  c.with_rank(1, 0);
  if (const auto dims = constant_ints(c, 0))
    for (int64_t d : *dims) check(d >= 0, "dimensions must be >= 0, got ", d);
  c.set_output(0, c.constant_as_shape(0));
}

void fill_kernel(KernelContext& c) {
  fill_run(c, c.output_dtype(0), c.input(1).raw(), c.output(0).raw(), c.output(0).num_elements());
}

void zeros_like_kernel(KernelContext& c) {
  zero_run(c, c.output_dtype(0), c.output(0).raw(), c.output(0).num_elements());
}

template <class T>
struct OnesLike {
  static void run(KernelContext& c) {
    const T one = static_cast<T>(1);
    fill_run(c.output_dtype(0), &one, c.output(0).raw(), c.output(0).num_elements());
  }
};

void broadcast_to_shape(InferContext& c) {
  c.with_rank(1, 1);
  if (const auto dims = constant_ints(c, 1))
    for (int64_t d : *dims) check(d >= 0, "dimensions must be >= 0, got ", d);
  const Shape& in = c.input(0);
  const Shape out = c.constant_as_shape(1);
  if (in.known_rank() && out.known_rank()) {
    bool ok = in.rank() <= out.rank();
    for (int i = 1; ok && i <= in.rank(); ++i) {
      const int64_t from = in.dim(-i), to = out.dim(-i);
      ok = from < 0 || to < 0 || from == 1 || from == to;
    }
    check(ok, "shape ", in, " cannot be broadcast to ", out);
  }
  c.set_output(0, out);
}

void broadcast_to_kernel(KernelContext& c) {
  const Shape &in = c.input(0).shape(), &out = c.output(0).shape();
  const auto from = row_major_strides(in), to = row_major_strides(out);
  const int added = out.rank() - in.rank();
  StridedCopy copy;
  for (int i = 0; i < out.rank(); ++i) {
    const bool repeats = i < added || in[i - added] == 1;
    copy.dim(out[i], repeats ? 0 : from[i - added], to[i]);
  }
  copy(c, c.output_dtype(0), c.input(0).raw(), c.output(0).raw());
}

}  // namespace

void register_fill(Registry& r) {
  r.op("Fill")
      .input("dims: index_type")
      .input("value: T")
      .output("output: T")
      .attr("T: type")
      .attr("index_type: {int32, int64} = int32")
      .shape(fill_shape)
      .host_input(0);
  any_device_kernel(r, "Fill", fill_kernel);

  r.op("ZerosLike").input("x: T").output("y: T").attr("T: type").shape(shapes::unchanged).in_place(0);
  any_device_kernel(r, "ZerosLike", zeros_like_kernel);

  r.op("OnesLike")
      .input("x: T")
      .output("y: T")
      .attr("T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64, bool}")
      .shape(shapes::unchanged)
      .in_place(0);
  r.kernels<OnesLike>("OnesLike", DeviceKind::kCPU, PodTypes{});

  r.op("BroadcastTo")
      .input("input: T")
      .input("shape: Tidx")
      .output("output: T")
      .attr("T: type")
      .attr("Tidx: {int32, int64} = int32")
      .shape(broadcast_to_shape)
      .same_if_same_shape()
      .host_input(1);
  any_device_kernel(r, "BroadcastTo", broadcast_to_kernel);
}

}  // namespace tfmini

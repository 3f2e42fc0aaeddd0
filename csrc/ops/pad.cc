// Pad and PadV2: a border of one value around a tensor.
#include "core/elements.h"
#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void pad_shape(InferContext& c) {
  const Shape& in = c.input(0);
  const Shape pairs = c.with_rank(1, 2);
  check(pairs[1] < 0 || pairs[1] == 2, "paddings must have shape [rank, 2], got ", pairs);
  const int64_t rows = merge_dims(pairs[0], in.rank(), "the number of paddings and the rank of the input");
  if (c.num_inputs() == 3) c.with_rank(2, 0);
  if (rows < 0) return c.set_output(0, Shape::unknown());
  check(rows <= Shape::kMaxRank, "paddings has ", rows, " rows");
  const auto paddings = constant_ints(c, 1);
  Shape out = Shape::unknown_of_rank(static_cast<int>(rows));
  for (int i = 0; paddings && i < out.rank(); ++i) {
    const int64_t before = (*paddings)[2 * i], after = (*paddings)[2 * i + 1];
    check(before >= 0 && after >= 0, "paddings[", i, "] = [", before, ", ", after, "] must not be negative");
    if (!in.known_rank() || in[i] < 0) continue;
    int64_t size = in[i];
    check(!__builtin_add_overflow(size, before, &size) && !__builtin_add_overflow(size, after, &size), "paddings[", i,
          "] = [", before, ", ", after, "] is too large");
    out.set_dim(i, size);
  }
  c.set_output(0, out);
}

// Output rows run along `axis`, the last padded dimension, and everything inside it: a row is
// border | input row | border, or border only. One pass, every element is written once.
template <class T>
void pad_rows(const Shape& in, const Shape& out, const std::vector<int64_t>& paddings, int axis, const T* x, T value,
              T* y) {
  const int64_t run = in.product(axis + 1, in.rank());
  const int64_t before = paddings[2 * axis] * run, middle = in[axis] * run, row = out[axis] * run;
  parallel_for(out.product(0, axis), grain_for_bytes(2 * row * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      bool inside = true;
      int64_t from = 0, stride = 1, rest = r;
      for (int d = axis - 1; d >= 0; --d) {
        const int64_t i = rest % out[d] - paddings[2 * d];
        rest /= out[d];
        inside &= i >= 0 && i < in[d];
        from += i * stride;
        stride *= in[d];
      }
      T* to = y + r * row;
      if (!inside) {
        std::fill_n(to, row, value);
        continue;
      }
      std::fill_n(to, before, value);
      std::copy_n(x + from * middle, middle, to + before);
      std::fill_n(to + before + middle, row - before - middle, value);
    }
  });
}

// On other devices: the padding everywhere, then the tensor into its place.
void fill_and_copy(KernelContext& c, const std::vector<int64_t>& paddings) {
  const Tensor& x = c.input(0);
  Tensor& y = c.output(0);
  if (c.num_inputs() == 3)
    fill_run(c, y.dtype(), c.input(2).raw(), y.raw(), y.num_elements());
  else
    zero_run(c, y.dtype(), y.raw(), y.num_elements());
  const auto from = row_major_strides(x.shape()), to = row_major_strides(y.shape());
  StridedCopy copy;
  int64_t offset = 0;
  for (int i = 0; i < x.rank(); ++i) {
    copy.dim(x.dim(i), from[i], to[i]);
    offset += paddings[2 * static_cast<size_t>(i)] * to[i];
  }
  copy(c, x.dtype(), x.raw(), element(y, offset));
}

void pad_kernel(KernelContext& c) {
  const Tensor& x = c.input(0);
  Tensor& y = c.output(0);
  const auto paddings = c.input(1).to_ints();
  int axis = x.rank() - 1;
  while (axis >= 0 && paddings[2 * axis] == 0 && paddings[2 * axis + 1] == 0) --axis;
  if (axis < 0) return copy_run(c, x.dtype(), x.raw(), y.raw(), x.num_elements());
  if (y.num_elements() == 0) return;
  if (c.device().kind() != DeviceKind::kCPU) return fill_and_copy(c, paddings);
  with_element(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T value = c.num_inputs() == 3 ? c.in<T>(2)[0] : T{};
    pad_rows(x.shape(), y.shape(), paddings, axis, x.data<T>(), value, y.data<T>());
  });
}

}  // namespace

void register_pad(Registry& r) {
  r.op("Pad")
      .input("input: T")
      .input("paddings: Tpaddings")
      .output("output: T")
      .attr("T: type")
      .attr("Tpaddings: {int32, int64} = int32")
      .shape(pad_shape)
      .same_if_same_shape()
      .host_input(1);
  any_device_kernel(r, "Pad", pad_kernel);

  r.op("PadV2")
      .input("input: T")
      .input("paddings: Tpaddings")
      .input("constant_values: T")
      .output("output: T")
      .attr("T: type")
      .attr("Tpaddings: {int32, int64} = int32")
      .shape(pad_shape)
      .same_if_same_shape()
      .host_input(1);
  any_device_kernel(r, "PadV2", pad_kernel);
}

}  // namespace tfmini

// Reverse, ReverseV2 and ReverseSequence.
#include "ops/reverse.h"

#include "core/elements.h"
#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void reverse_shape(InferContext& c) {
  const int64_t length = c.with_rank(1, 1)[0];
  const Shape& in = c.input(0);
  check(length < 0 || !in.known_rank() || length == in.rank(),
        "dims needs one element per dimension of the input: got ", length, " for shape ", in);
  c.set_output(0, in);
}

void reverse_v2_shape(InferContext& c) {
  c.with_rank(1, 1);
  const Shape& in = c.input(0);
  if (const auto axes = constant_ints(c, 1); axes && in.known_rank()) {
    bool seen[Shape::kMaxRank] = {};
    for (int64_t a : *axes) {
      const int axis = normalize_axis(a, in.rank());
      check(!seen[axis], "axis ", axis, " is named twice");
      seen[axis] = true;
    }
  }
  c.set_output(0, in);
}

void reverse(KernelContext& c, const bool* reversed) {
  const Tensor& x = c.input(0);
  const auto strides = row_major_strides(x.shape());
  StridedCopy copy;
  int64_t first = 0;
  for (int i = 0; i < x.rank(); ++i) {
    copy.dim(x.dim(i), reversed[i] ? -strides[i] : strides[i], strides[i]);
    if (reversed[i]) first += (x.dim(i) - 1) * strides[i];
  }
  if (x.num_elements() > 0) copy(c, x.dtype(), element(x, first), c.output(0).raw());
}

void reverse_kernel(KernelContext& c) { reverse(c, c.in<bool>(1)); }

void reverse_v2_kernel(KernelContext& c) {
  bool reversed[Shape::kMaxRank] = {};
  for (int64_t a : c.input(1).to_ints()) {
    const int axis = normalize_axis(a, c.input(0).rank());
    check(!reversed[axis], "axis ", axis, " is named twice");
    reversed[axis] = true;
  }
  reverse(c, reversed);
}

void reverse_sequence_shape(InferContext& c) {
  const int64_t batch = c.attrs().integer("batch_dim"), seq = c.attrs().integer("seq_dim");
  check(batch >= 0 && seq >= 0, "batch_dim and seq_dim must not be negative, got ", batch, " and ", seq);
  check(batch != seq, "batch_dim and seq_dim must differ, both are ", seq);
  const Shape lengths = c.with_rank(1, 1);
  Shape out = c.input(0);
  if (out.known_rank()) {
    check(std::max(batch, seq) < out.rank(), "batch_dim ", batch, " and seq_dim ", seq,
          " must be less than the rank of shape ", out);
    const int b = static_cast<int>(batch);
    out.set_dim(b, merge_dims(out[b], lengths[0], "the length of seq_lengths and the batch size"));
  }
  c.set_output(0, out);
}

class ReverseSequence {
 public:
  explicit ReverseSequence(const Attrs& attrs)
      : batch_(static_cast<int>(attrs.integer("batch_dim"))), seq_(static_cast<int>(attrs.integer("seq_dim"))) {}
  void operator()(KernelContext& c) const {
    const Tensor& x = c.input(0);
    const auto lengths = c.input(1).to_ints();
    const int64_t steps = x.dim(seq_);
    for (size_t i = 0; i < lengths.size(); ++i)
      check(lengths[i] >= 0 && lengths[i] <= steps, "seq_lengths[", i, "] = ", lengths[i], " is not in [0, ", steps,
            "]");
    const ReversedSequences at(x.shape(), batch_, seq_);
    with_element(x.dtype(), [&]<class T>(std::type_identity<T>) {
      const T* from = x.data<T>();
      T* to = c.out<T>(0);
      parallel_for(at.outer, grain_for_bytes(2 * at.second * at.inner * sizeof(T)), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o)
          for (int64_t j = 0, i = at.place(o); j < at.second; ++j) {
            const int64_t source = at.source(o, i, j, lengths[static_cast<size_t>(at.sequence(i, j))]);
            std::copy_n(from + source * at.inner, at.inner, to + (o * at.second + j) * at.inner);
          }
      });
    });
  }

 private:
  int batch_, seq_;
};

}  // namespace

void register_reverse(Registry& r) {
  r.op("Reverse")
      .input("tensor: T")
      .input("dims: bool")
      .output("output: T")
      .attr("T: type")
      .shape(reverse_shape)
      .host_input(1);
  any_device_kernel(r, "Reverse", reverse_kernel);

  r.op("ReverseV2")
      .input("tensor: T")
      .input("axis: Tidx")
      .output("output: T")
      .attr("Tidx: {int32, int64} = int32")
      .attr("T: type")
      .shape(reverse_v2_shape)
      .host_input(1);
  any_device_kernel(r, "ReverseV2", reverse_v2_kernel);

  r.op("ReverseSequence")
      .input("input: T")
      .input("seq_lengths: Tlen")
      .output("output: T")
      .attr("seq_dim: int")
      .attr("batch_dim: int = 0")
      .attr("T: type")
      .attr("Tlen: {int32, int64} = int64")
      .shape(reverse_sequence_shape);
  r.kernel<ReverseSequence>("ReverseSequence", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini

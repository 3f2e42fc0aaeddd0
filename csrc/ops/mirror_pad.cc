// MirrorPad and its gradient: a border that repeats the inside backwards, with (SYMMETRIC) or
// without (REFLECT) the edge itself.
#include "core/elements.h"
#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

// Sizes of the unpadded and the padded tensor from one another: sign +1 pads, -1 unpads.
void mirror_shape(InferContext& c, int sign) {
  const Shape& in = c.input(0);
  const Shape pairs = c.with_rank(1, 2);
  check(pairs[1] < 0 || pairs[1] == 2, "paddings must have shape [rank, 2], got ", pairs);
  const int64_t rows = merge_dims(pairs[0], in.rank(), "the number of paddings and the rank of the input");
  if (rows < 0) return c.set_output(0, Shape::unknown());
  check(rows <= Shape::kMaxRank, "paddings has ", rows, " rows");
  const auto paddings = constant_ints(c, 1);
  const int64_t edge = c.attrs().string("mode") == "REFLECT" ? 1 : 0;
  Shape out = Shape::unknown_of_rank(static_cast<int>(rows));
  for (int i = 0; paddings && i < out.rank(); ++i) {
    const int64_t before = (*paddings)[2 * i], after = (*paddings)[2 * i + 1];
    check(before >= 0 && after >= 0, "paddings[", i, "] = [", before, ", ", after, "] must not be negative");
    if (!in.known_rank() || in[i] < 0) continue;
    int64_t border, size;
    check(!__builtin_add_overflow(before, after, &border) && !__builtin_add_overflow(in[i], sign * border, &size),
          "paddings[", i, "] = [", before, ", ", after, "] is too large");
    const int64_t inner = sign > 0 ? in[i] : size;
    check(std::max(before, after) + edge <= inner || (before == 0 && after == 0 && inner >= 0), "paddings[", i, "] = [",
          before, ", ", after, "] must be no greater than ", inner - edge, ", for dimension size ", inner, " and mode ",
          c.attrs().string("mode"));
    out.set_dim(i, size);
  }
  c.set_output(0, out);
}

void mirror_pad_shape(InferContext& c) { mirror_shape(c, 1); }
void mirror_pad_grad_shape(InferContext& c) { mirror_shape(c, -1); }

// For every dimension of the padded tensor: the offset in the unpadded one that each index shows.
class MirrorMap {
 public:
  MirrorMap(const Shape& inner, const Shape& padded, const Tensor& paddings, bool reflect) : padded_(padded) {
    const auto strides = row_major_strides(inner);
    for (int d = 0; d < inner.rank(); ++d) {
      const int64_t before = paddings.int_at(2 * d), n = inner[d];
      offsets_[d].resize(static_cast<size_t>(padded[d]));
      for (int64_t i = 0; i < padded[d]; ++i) {
        int64_t source = i - before;
        if (source < 0) source = reflect ? -source : -source - 1;
        if (source >= n) source = reflect ? 2 * n - 2 - source : 2 * n - 1 - source;
        offsets_[d][static_cast<size_t>(i)] = source * strides[d];
      }
    }
  }
  int64_t rows() const { return padded_.product(0, padded_.rank() - 1); }
  int64_t row_offset(int64_t row) const {
    int64_t offset = 0;
    for (int d = padded_.rank() - 2; d >= 0; --d) {
      offset += offsets_[d][static_cast<size_t>(row % padded_[d])];
      row /= padded_[d];
    }
    return offset;
  }
  const std::vector<int64_t>& columns() const { return offsets_[padded_.rank() - 1]; }

 private:
  Shape padded_;
  std::array<std::vector<int64_t>, Shape::kMaxRank> offsets_;
};

class MirrorPad {
 public:
  explicit MirrorPad(const Attrs& attrs) : reflect_(attrs.string("mode") == "REFLECT") {}
  void operator()(KernelContext& c) const {
    const Tensor& x = c.input(0);
    Tensor& y = c.output(0);
    if (x.rank() == 0 || y.num_elements() == 0) return copy_run(x.dtype(), x.raw(), y.raw(), y.num_elements());
    const MirrorMap map(x.shape(), y.shape(), c.input(1), reflect_);
    const auto& columns = map.columns();
    const int64_t width = y.dim(-1);
    with_element(x.dtype(), [&]<class T>(std::type_identity<T>) {
      const T* from = x.data<T>();
      T* to = y.data<T>();
      parallel_for(map.rows(), grain_for_bytes(2 * width * sizeof(T)), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const T* row = from + map.row_offset(r);
          for (int64_t i = 0; i < width; ++i) to[r * width + i] = row[columns[i]];
        }
      });
    });
  }

 private:
  bool reflect_;
};

template <class T>
class MirrorPadGrad {
 public:
  explicit MirrorPadGrad(const Attrs& attrs) : reflect_(attrs.string("mode") == "REFLECT") {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const Tensor& dy = c.input(0);
    Tensor& dx = c.output(0);
    if (dy.rank() == 0) return copy_run(dy.dtype(), dy.raw(), dx.raw(), 1);
    const MirrorMap map(dx.shape(), dy.shape(), c.input(1), reflect_);
    const auto& columns = map.columns();
    const int64_t width = dy.dim(-1), n = dx.num_elements();
    Tensor sums = std::is_same_v<C, T> ? dx : c.scratch(dtype_of<C>, dx.shape());
    C* to = sums.data<C>();
    zero_run(dtype_of<C>, to, n);
    // Serial: several rows of dy add into one of dx, in an order that must not depend on threads.
    const T* from = dy.data<T>();
    for (int64_t r = 0; dy.num_elements() > 0 && r < map.rows(); ++r) {
      C* row = to + map.row_offset(r);
      for (int64_t i = 0; i < width; ++i) row[columns[i]] += static_cast<C>(from[r * width + i]);
    }
    if constexpr (!std::is_same_v<C, T>)
      for (int64_t i = 0; i < n; ++i) dx.data<T>()[i] = static_cast<T>(to[i]);
  }

 private:
  bool reflect_;
};

}  // namespace

void register_mirror_pad(Registry& r) {
  r.op("MirrorPad")
      .input("input: T")
      .input("paddings: Tpaddings")
      .output("output: T")
      .attr("T: type")
      .attr("Tpaddings: {int32, int64} = int32")
      .attr("mode: {'REFLECT', 'SYMMETRIC'}")
      .shape(mirror_pad_shape)
      .same_if_same_shape()
      .host_input(1);
  r.kernel<MirrorPad>("MirrorPad", DeviceKind::kCPU, DType::kInvalid);

  r.op("MirrorPadGrad")
      .input("input: T")
      .input("paddings: Tpaddings")
      .output("output: T")
      .attr("T: type")
      .attr("Tpaddings: {int32, int64} = int32")
      .attr("mode: {'REFLECT', 'SYMMETRIC'}")
      .shape(mirror_pad_grad_shape)
      .host_input(1);
  r.kernels<MirrorPadGrad>("MirrorPadGrad", DeviceKind::kCPU, NumberTypes{});
}

}  // namespace tfmini

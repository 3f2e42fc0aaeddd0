// StridedSlice and StridedSliceGrad: NumPy's basic indexing with begin, end, stride, Ellipsis,
// newaxis and single indices, the kinds encoded as bit masks over the elements of begin.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

struct Masks {
  explicit Masks(const Attrs& a)
      : begin(a.integer("begin_mask")),
        end(a.integer("end_mask")),
        ellipsis(a.integer("ellipsis_mask")),
        new_axis(a.integer("new_axis_mask")),
        shrink(a.integer("shrink_axis_mask")) {
    check((ellipsis & (ellipsis - 1)) == 0, "only one ellipsis is allowed");
  }
  int64_t begin, end, ellipsis, new_axis, shrink;
};

// The elements of begin, end or strides, if they are known.
class Ints {
 public:
  explicit Ints(const Tensor* values) : values_(values) {}
  explicit operator bool() const { return values_ != nullptr; }
  int64_t operator[](int i) const { return values_->int_at(i); }
  std::optional<int64_t> at(int i) const { return values_ ? std::optional(values_->int_at(i)) : std::nullopt; }

 private:
  const Tensor* values_;
};

// What happens to one dimension of the input: elements begin, begin + stride, ..., `size` of them.
struct Range {
  int64_t begin = 0, stride = 1, size = Shape::kUnknownDim;
  bool shrink = false;
};

struct Plan {
  std::array<Range, Shape::kMaxRank> ranges;  // per input dimension
  Shape out;
};

int64_t strided_size(int64_t begin, int64_t end, int64_t stride) {
  const int64_t length = end - begin;
  if (length == 0 || (length < 0) != (stride < 0)) return 0;
  return length / stride + (length % stride != 0);
}

// One sparse element applied to dimension `axis` of size `dim`; `begin`/`end` may be unknown.
Range make_range(int axis, int64_t dim, std::optional<int64_t> begin, std::optional<int64_t> end, int64_t stride,
                 bool begin_masked, bool end_masked, bool shrink) {
  check(stride != 0, "strides[", axis, "] must be non-zero");
  check(!shrink || stride > 0, "a single index needs stride 1, got ", stride);
  Range r;
  r.stride = shrink ? 1 : stride;
  r.shrink = shrink;
  if (shrink) {
    r.size = 1;
    if (!begin || dim < 0) return r;
    r.begin = *begin < 0 ? *begin + dim : *begin;
    check(r.begin >= 0 && r.begin < dim, "slice index ", *begin, " of dimension ", axis, " is out of bounds: size ",
          dim);
    return r;
  }
  if (dim < 0) {
    if (begin_masked && end_masked && stride == 1) r.size = dim;
    return r;
  }
  if ((!begin && !begin_masked) || (!end && !end_masked)) return r;
  const int64_t lowest = stride > 0 ? 0 : -1, highest = stride > 0 ? dim : dim - 1;
  const auto canonical = [&](std::optional<int64_t> x, bool masked, int64_t if_masked) {
    if (masked) return if_masked;
    return std::clamp(*x < 0 ? *x + dim : *x, lowest, highest);
  };
  r.begin = canonical(begin, begin_masked, stride > 0 ? lowest : highest);
  r.size = strided_size(r.begin, canonical(end, end_masked, stride > 0 ? highest : lowest), stride);
  return r;
}

Plan make_plan(const Masks& m, const Shape& in, int n, const Ints& begin, const Ints& end, const Ints& strides) {
  check(n <= 32, "at most 32 indices are possible, got ", n);
  const auto bit = [](int64_t mask, int i) { return (mask >> i & 1) != 0; };
  Plan plan;
  int axis = 0;
  const auto take_all = [&](int until) {
    for (; axis < until; ++axis) {
      plan.ranges[axis].size = in[axis];
      plan.out.add_dim(in[axis]);
    }
  };
  for (int i = 0; i < n; ++i) {
    if (bit(m.ellipsis, i)) {
      int consumed = 0;  // input dimensions that the elements after the ellipsis stand for
      for (int j = i + 1; j < n; ++j) consumed += !bit(m.new_axis, j);
      take_all(std::max(axis, in.rank() - consumed));
    } else if (bit(m.new_axis, i)) {
      plan.out.add_dim(1);
    } else {
      check(axis < in.rank(), "too many indices: dimension ", axis, " of a tensor of shape ", in, " does not exist");
      // Without known strides only what cannot depend on them is settled.
      Range& r = plan.ranges[axis];
      const bool shrink = bit(m.shrink, i);
      if (strides || shrink)
        r = make_range(axis, in[axis], begin.at(i), end.at(i), strides ? strides[i] : 1, bit(m.begin, i), bit(m.end, i),
                       shrink);
      if (!shrink) plan.out.add_dim(r.size);
      ++axis;
    }
  }
  take_all(in.rank());
  return plan;
}

Plan known_plan(const KernelContext& c, const Masks& masks, const Shape& whole) {
  return make_plan(masks, whole, static_cast<int>(c.input(1).num_elements()), Ints(&c.input(1)), Ints(&c.input(2)),
                   Ints(&c.input(3)));
}

int64_t index_length(InferContext& c, int first) {
  int64_t n = Shape::kUnknownDim;
  for (int i = first; i < first + 3; ++i)
    n = merge_dims(n, c.with_rank(i, 1)[0], "the lengths of begin, end and strides");
  return n;
}

void strided_slice_shape(InferContext& c) {
  const int64_t n = index_length(c, 1);
  if (n < 0 || !c.input(0).known_rank()) return c.set_output(0, Shape::unknown());
  c.set_output(0, make_plan(Masks(c.attrs()), c.input(0), static_cast<int>(std::min<int64_t>(n, 33)),
                            Ints(c.constant(1)), Ints(c.constant(2)), Ints(c.constant(3)))
                      .out);
}

void strided_slice_grad_shape(InferContext& c) {
  index_length(c, 1);
  c.with_rank(0, 1);
  c.set_output(0, c.constant_as_shape(0));
}

// Adds the dimensions of `plan` to a copy between the whole tensor and the dense slice; returns the
// offset of the slice's first element in the whole.
int64_t add_dims(StridedCopy& copy, const Plan& plan, const Shape& whole, bool gradient) {
  const auto strides = row_major_strides(whole);
  std::array<int64_t, Shape::kMaxRank> dense{};
  int64_t offset = 0, run = 1;
  for (int i = whole.rank() - 1; i >= 0; --i) {
    dense[i] = run;
    run *= plan.ranges[i].size;
  }
  for (int i = 0; i < whole.rank(); ++i) {
    const Range& r = plan.ranges[i];
    const int64_t step = r.stride * strides[i];
    offset += r.begin * strides[i];
    copy.dim(r.size, gradient ? dense[i] : step, gradient ? step : dense[i]);
  }
  return run == 0 ? 0 : offset;
}

// Single indices, then at most one range of stride 1, as of x[i] and x[a:b]: the slice is one run of memory, and the
// output's size says how long. Its first element, or -1 if the indices are of another kind, or wrong.
int64_t run_start(const KernelContext& c, const Masks& m, const Shape& whole) {
  const Tensor &begin = c.input(1), &strides = c.input(3);
  const int64_t n = begin.num_elements();
  if ((m.ellipsis | m.new_axis) || n > whole.rank()) return -1;
  int64_t size = whole.product(0, whole.rank()), start = 0;
  for (int i = 0; i < n; ++i) {
    const int64_t dim = whole[i];
    if (dim == 0 || strides.int_at(i) != 1) return -1;
    const bool single = m.shrink >> i & 1;
    int64_t at = m.begin >> i & 1 && !single ? 0 : begin.int_at(i);
    if (at < 0) at += dim;
    if (at < 0 || at >= dim || (!single && i + 1 < n)) return -1;
    size /= dim;
    start += at * size;
  }
  return start;
}

class StridedSlice {
 public:
  explicit StridedSlice(const Attrs& attrs) : masks_(attrs) {}
  void operator()(KernelContext& c) const {
    const Tensor& x = c.input(0);
    if (const int64_t start = run_start(c, masks_, x.shape()); start >= 0)
      return copy_run(c, x.dtype(), element(x, start), c.output(0).raw(), c.output(0).num_elements());
    const Plan plan = known_plan(c, masks_, x.shape());
    StridedCopy copy;
    const int64_t offset = add_dims(copy, plan, x.shape(), false);
    copy(c, x.dtype(), element(x, offset), c.output(0).raw());
  }

 private:
  Masks masks_;
};

class StridedSliceGrad {
 public:
  explicit StridedSliceGrad(const Attrs& attrs) : masks_(attrs) {}
  void operator()(KernelContext& c) const {
    const Tensor& dy = c.input(4);
    Tensor& dx = c.output(0);
    const Plan plan = known_plan(c, masks_, dx.shape());
    check(plan.out == dy.shape(), "dy has shape ", dy.shape(), ", but the slice has ", plan.out);
    zero_run(c, dx.dtype(), dx.raw(), dx.num_elements());
    StridedCopy copy;
    const int64_t offset = add_dims(copy, plan, dx.shape(), true);
    copy(c, dx.dtype(), dy.raw(), element(dx, offset));
  }

 private:
  Masks masks_;
};

OpBuilder masks(OpBuilder op) {
  return op.attr("T: type")
      .attr("Index: {int16, int32, int64}")
      .attr("begin_mask: int = 0")
      .attr("end_mask: int = 0")
      .attr("ellipsis_mask: int = 0")
      .attr("new_axis_mask: int = 0")
      .attr("shrink_axis_mask: int = 0");
}

}  // namespace

void register_strided_slice(Registry& r) {
  masks(r.op("StridedSlice")
            .input("input: T")
            .input("begin: Index")
            .input("end: Index")
            .input("strides: Index")
            .output("output: T"))
      .shape(strided_slice_shape)
      .host_input(1)
      .host_input(2)
      .host_input(3);
  any_device_kernel<StridedSlice>(r, "StridedSlice");

  masks(r.op("StridedSliceGrad")
            .input("shape: Index")
            .input("begin: Index")
            .input("end: Index")
            .input("strides: Index")
            .input("dy: T")
            .output("output: T"))
      .shape(strided_slice_grad_shape)
      .host_input(0)
      .host_input(1)
      .host_input(2)
      .host_input(3);
  any_device_kernel<StridedSliceGrad>(r, "StridedSliceGrad");
}

}  // namespace tfmini

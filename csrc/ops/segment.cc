// Segment reductions: slices of data folded into the row that their segment id names. Sorted ids
// decide the number of rows themselves; UnsortedSegment* are told it.
#include "ops/segment.h"

#include "core/infer.h"
#include "core/registry.h"
#include "ops/rows.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

using Fold = SegmentFold;

template <Fold fold, class C>
inline C combine(C a, C b) {
  if constexpr (fold == Fold::kProd) return static_cast<C>(a * b);
  if constexpr (fold == Fold::kMin) return b < a ? b : a;
  if constexpr (fold == Fold::kMax) return b > a ? b : a;
  return static_cast<C>(a + b);
}

// Folds slice i of `data` into row rows[i] of `out` (rows[i] < 0: into none), in the order of i.
// 16-bit floats are folded in float.
template <Fold fold, class T>
void fold_slices(KernelContext& c, const Tensor& data, const RowNumbers& rows, int64_t width, Tensor& out) {
  using C = ComputeType<T>;
  const int64_t size = out.num_elements();
  const C start = start_value<fold, T>();
  Tensor folded = std::is_same_v<C, T> ? out : c.scratch(dtype_of<C>, out.shape());
  C* to = folded.data<C>();
  fill_run(dtype_of<C>, &start, to, size);
  const T* from = data.data<T>();
  if (width > 0)
    for_each_row(rows, 3 * width * static_cast<int64_t>(sizeof(T)), [&](int64_t i, int64_t row) {
      if (row < 0) return;
      C* slice = to + row * width;
      const T* x = from + i * width;
      for (int64_t j = 0; j < width; ++j) slice[j] = combine<fold, C>(slice[j], static_cast<C>(x[j]));
    });
  if constexpr (!std::is_same_v<C, T>)
    for (int64_t i = 0; i < size; ++i) out.data<T>()[i] = static_cast<T>(to[i]);
}

void unsorted_shape(InferContext& c) {
  const Shape &data = c.input(0), &ids = c.input(1);
  c.with_rank(2, 0);
  const auto segments = constant_int(c, 2);
  check(!segments || *segments >= 0, "num_segments must not be negative, got ", segments.value_or(0));
  if (!data.known_rank() || !ids.known_rank()) return c.set_output(0, Shape::unknown());
  check(ids.rank() <= data.rank() && subshape(data, 0, ids.rank()).compatible_with(ids), "data.shape = ", data,
        " does not start with segment_ids.shape = ", ids);
  c.set_output(0, concatenate(Shape{segments.value_or(Shape::kUnknownDim)}, subshape(data, ids.rank(), data.rank())));
}

template <Fold fold, class T>
struct Unsorted {
  static void run(KernelContext& c) {
    const Tensor &data = c.input(0), &ids = c.input(1);
    Tensor& out = c.output(0);
    const int64_t segments = out.dim(0), n = ids.num_elements();
    const RowNumbers rows(n, [&](int64_t i) {
      const int64_t id = ids.int_at(i);
      check(id < segments, "segment_ids[", i, "] = ", id, " is not below num_segments = ", segments);
      return id;
    });
    fold_slices<fold, T>(c, data, rows, data.shape().product(ids.rank(), data.rank()), out);
  }
};

void sorted_shape(InferContext& c) {
  const Shape &data = c.with_rank_at_least(0, 1), &ids = c.with_rank(1, 1);
  if (!data.known_rank()) return c.set_output(0, Shape::unknown());
  merge_dims(data[0], ids[0], "the first dimension of data and the length of segment_ids");
  Shape out = data;
  out.set_dim(0, Shape::kUnknownDim);
  c.set_output(0, out);
}

template <Fold fold, class T>
struct Sorted {
  static void run(KernelContext& c) {
    using C = ComputeType<T>;
    const Tensor &data = c.input(0), &ids = c.input(1);
    const int64_t n = ids.num_elements(), width = data.shape().product(1, data.rank());
    int64_t last = 0;
    const RowNumbers rows(n, [&](int64_t i) {
      const int64_t id = ids.int_at(i);
      check(id >= 0, "segment_ids[", i, "] = ", id, " must not be negative");
      check(id >= last, "segment_ids must not decrease: ", last, " is followed by ", id);
      return last = id;
    });
    Shape shape = data.shape();
    shape.set_dim(0, n > 0 ? last + 1 : 0);
    Tensor& out = c.allocate_output(0, shape);
    fold_slices<fold, T>(c, data, rows, width, out);
    if constexpr (fold == Fold::kSum || fold == Fold::kProd) return;
    std::vector<int64_t> counts(static_cast<size_t>(shape[0]));
    for (int64_t i = 0; i < n; ++i) ++counts[static_cast<size_t>(rows.data()[i])];
    for (int64_t s = 0; s < shape[0]; ++s) {
      T* slice = out.data<T>() + s * width;
      const int64_t count = counts[static_cast<size_t>(s)];
      for (int64_t j = 0; j < width; ++j) {
        if (count == 0)
          slice[j] = static_cast<T>(C(0));
        else if constexpr (fold == Fold::kMean)
          slice[j] = static_cast<T>(static_cast<C>(slice[j]) / static_cast<C>(count));
      }
    }
  }
};

template <class T>
struct UnsortedSum : Unsorted<Fold::kSum, T> {};
template <class T>
struct UnsortedProd : Unsorted<Fold::kProd, T> {};
template <class T>
struct UnsortedMin : Unsorted<Fold::kMin, T> {};
template <class T>
struct UnsortedMax : Unsorted<Fold::kMax, T> {};
template <class T>
struct SortedSum : Sorted<Fold::kSum, T> {};
template <class T>
struct SortedMean : Sorted<Fold::kMean, T> {};
template <class T>
struct SortedProd : Sorted<Fold::kProd, T> {};
template <class T>
struct SortedMin : Sorted<Fold::kMin, T> {};
template <class T>
struct SortedMax : Sorted<Fold::kMax, T> {};

template <template <class> class K>
void add_unsorted(Registry& r, const char* name) {
  r.op(name)
      .input("data: T")
      .input("segment_ids: Tindices")
      .input("num_segments: Tnumsegments")
      .output("output: T")
      .attr("T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}")
      .attr("Tindices: {int32, int64}")
      .attr("Tnumsegments: {int32, int64} = int32")
      .shape(unsorted_shape)
      .host_input(2);
  r.kernels<K>(name, DeviceKind::kCPU, NumberTypes{});
}

template <template <class> class K>
void add_sorted(Registry& r, const char* name) {
  r.op(name)
      .input("data: T")
      .input("segment_ids: Tindices")
      .output("output: T")
      .attr("T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}")
      .attr("Tindices: {int32, int64}")
      .shape(sorted_shape)
      .dynamic_output();
  r.kernels<K>(name, DeviceKind::kCPU, NumberTypes{});
}

}  // namespace

void register_segment(Registry& r) {
  add_unsorted<UnsortedSum>(r, "UnsortedSegmentSum");
  add_unsorted<UnsortedProd>(r, "UnsortedSegmentProd");
  add_unsorted<UnsortedMin>(r, "UnsortedSegmentMin");
  add_unsorted<UnsortedMax>(r, "UnsortedSegmentMax");
  add_sorted<SortedSum>(r, "SegmentSum");
  add_sorted<SortedMean>(r, "SegmentMean");
  add_sorted<SortedProd>(r, "SegmentProd");
  add_sorted<SortedMin>(r, "SegmentMin");
  add_sorted<SortedMax>(r, "SegmentMax");
}

}  // namespace tfmini

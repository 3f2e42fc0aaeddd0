// Segment reductions: the slices of a segment are folded in order. Ids out of range belong to no segment.
#include "ops/segment.h"

#include "core/fill.cuh"
#include "core/fold_rows.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "ops/strided_copy.h"

namespace tfmini::cuda {
namespace {

using Segment = SegmentFold;

constexpr Fold fold_of(Segment fold) {
  switch (fold) {
    case Segment::kMean:
      return Fold::kMean;
    case Segment::kProd:
      return Fold::kMul;
    case Segment::kMin:
      return Fold::kMin;
    case Segment::kMax:
      return Fold::kMax;
    default:
      return Fold::kAdd;
  }
}

// `empty`: what segments without slices hold.
template <Segment fold, class T>
void reduce(KernelContext& c, Tensor& out, int64_t width, T empty) {
  const int64_t n = out.num_elements();
  if (n == 0) return;
  fill(stream(c), out.data<T>(), n, empty);
  const SortedRows rows(c, c.input(1), Shape{out.dim(0)});
  FoldArgs<T> a{};
  a.lists = rows.lists();
  a.updates = c.in<T>(0);
  a.out = out.data<T>();
  a.width = width;
  a.start = start_value<fold, T>();
  a.how = fold_of(fold);
  run_fold(c, a);
}

template <Segment fold, class T>
void unsorted(KernelContext& c) {
  const Tensor& data = c.input(0);
  reduce<fold, T>(c, c.output(0), data.shape().product(c.input(1).rank(), data.rank()),
                  static_cast<T>(start_value<fold, T>()));
}

// The number of segments is the last id's: the host waits for it.
int64_t count_segments(const KernelContext& c, const Tensor& ids) {
  const int64_t n = ids.num_elements();
  if (n == 0) return 0;
  Tensor last(ids.dtype(), Shape{});
  c.device().copy_to_host(last.raw(), element(ids, n - 1), last.bytes());
  c.device().synchronize();
  check(last.int_at(0) >= 0, "segment_ids[", n - 1, "] = ", last.int_at(0), " must not be negative");
  return last.int_at(0) + 1;
}

template <Segment fold, class T>
void sorted(KernelContext& c) {
  const Tensor& data = c.input(0);
  Shape shape = data.shape();
  shape.set_dim(0, count_segments(c, c.input(1)));
  const T empty = fold == Segment::kProd ? static_cast<T>(start_value<fold, T>()) : static_cast<T>(ComputeType<T>(0));
  reduce<fold, T>(c, c.allocate_output(0, shape), data.shape().product(1, data.rank()), empty);
}

template <Segment fold>
void add(Registry& r, const std::string& suffix) {
  const auto for_types = [&]<class... Ts>(TypeList<Ts...>) {
    (r.kernel("Segment" + suffix, DeviceKind::kCUDA, dtype_of<Ts>, &sorted<fold, Ts>), ...);
    if (fold != Segment::kMean)
      (r.kernel("UnsortedSegment" + suffix, DeviceKind::kCUDA, dtype_of<Ts>, &unsorted<fold, Ts>), ...);
  };
  for_types(TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_segment_cuda(Registry& r) {
  using cuda::Segment;
  cuda::add<Segment::kSum>(r, "Sum");
  cuda::add<Segment::kMean>(r, "Mean");
  cuda::add<Segment::kProd>(r, "Prod");
  cuda::add<Segment::kMin>(r, "Min");
  cuda::add<Segment::kMax>(r, "Max");
}

}  // namespace tfmini

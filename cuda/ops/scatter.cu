// ScatterUpdate, ScatterAdd, ... and ScatterNdUpdate, ScatterNdAdd, ...: the updates of a row are applied in order.
// An index out of range names no row: nobody looks at it on the host.
#include "ops/scatter.h"

#include "core/fold_rows.cuh"
#include "core/registry.h"

namespace tfmini::cuda {
namespace {

template <Fold how, class T, bool kSlices>
void scatter(KernelContext& c) {
  VariableUpdate variable({&c.variable(0)});
  const Shape& ref = variable.read(0).shape();
  const Tensor &indices = c.input(1), &updates = c.input(2);
  FoldArgs<T> a{};
  if (kSlices)
    check_slice_updates(ref, indices.shape(), updates.shape());
  else
    a.one_update = check_row_updates(ref, indices.shape(), updates.shape());
  const int depth = kSlices ? static_cast<int>(indices.dim(-1)) : 1;
  const SortedRows rows(c, indices, Shape(ref.data(), depth));
  a.lists = rows.lists();
  a.updates = static_cast<const T*>(updates.raw());
  a.width = ref.product(depth, ref.rank());
  a.how = how;
  a.from_out = true;
  if (a.lists.n == 0 || a.width == 0) return;
  a.out = static_cast<T*>(variable[0].raw());
  run_fold(c, a);
}

template <Fold how>
void add(Registry& r, const std::string& suffix) {
  const auto for_types = [&]<class... Ts>(TypeList<Ts...>) {
    (r.kernel("Scatter" + suffix, DeviceKind::kCUDA, dtype_of<Ts>, &scatter<how, Ts, false>), ...);
    if (how != Fold::kMul && how != Fold::kDiv)
      (r.kernel("ScatterNd" + suffix, DeviceKind::kCUDA, dtype_of<Ts>, &scatter<how, Ts, true>), ...);
  };
  for_types(TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
  if (how != Fold::kUpdate) return;
  r.kernel("Scatter" + suffix, DeviceKind::kCUDA, DType::kBool, &scatter<how, uint8_t, false>);
  r.kernel("ScatterNd" + suffix, DeviceKind::kCUDA, DType::kBool, &scatter<how, uint8_t, true>);
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_scatter_cuda(Registry& r) {
  using cuda::Fold;
  cuda::add<Fold::kUpdate>(r, "Update");
  cuda::add<Fold::kAdd>(r, "Add");
  cuda::add<Fold::kSub>(r, "Sub");
  cuda::add<Fold::kMul>(r, "Mul");
  cuda::add<Fold::kDiv>(r, "Div");
  cuda::add<Fold::kMin>(r, "Min");
  cuda::add<Fold::kMax>(r, "Max");
}

}  // namespace tfmini

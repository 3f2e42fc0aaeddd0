// ScatterNd: slices added up in a tensor of zeros, those of one place in order.
#include "core/fold_rows.cuh"
#include "core/registry.h"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

template <class T>
struct ScatterNd {
  static void run(KernelContext& c) {
    const Tensor& indices = c.input(0);
    Tensor& out = c.output(0);
    if (out.num_elements() == 0) return;
    check_cuda(cudaMemsetAsync(out.raw(), 0, out.bytes(), stream(c)), "filling a tensor");
    const int depth = static_cast<int>(indices.dim(-1));
    const SortedRows rows(c, indices, Shape(out.shape().data(), depth));
    FoldArgs<T> a{};
    a.lists = rows.lists();
    a.updates = c.in<T>(1);
    a.out = c.out<T>(0);
    a.width = out.shape().product(depth, out.rank());
    a.how = Fold::kAdd;
    run_fold(c, a);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_scatter_nd_cuda(Registry& r) {
  r.kernels<cuda::ScatterNd>("ScatterNd", DeviceKind::kCUDA,
                             TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace tfmini

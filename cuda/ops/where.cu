// Where: how many elements are not zero, block by block; a scan of the counts; then their coordinates. The host waits
// for the count, which is the result's shape.
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/scan.cuh"
#include "core/stream.h"
#include "ops/strided_copy.h"

namespace tfmini::cuda {
namespace {

template <class T>
__device__ __forceinline__ bool is_set(const T* x, int64_t i, int64_t n) {
  return i < n && widen(x[i]) != ComputeType<T>(0);
}

template <class T>
__global__ void __launch_bounds__(kThreads) count_set(const T* x, int64_t n, int64_t* counts) {
  int before, all;
  block_scan(is_set(x, thread_index(), n) ? 1 : 0, false, before, all);
  if (threadIdx.x == 0) counts[blockIdx.x] = all;
}

struct Sizes {
  int64_t dims[Shape::kMaxRank];
  int rank;
};

// `ends`: the running counts of the blocks.
template <class T>
__global__ void __launch_bounds__(kThreads)
    write_coordinates(const T* x, int64_t n, const int64_t* ends, const __grid_constant__ Sizes sizes, int64_t* out) {
  int64_t i = thread_index();
  int before, all;
  const bool set = is_set(x, i, n);
  block_scan(set ? 1 : 0, false, before, all);
  if (!set) return;
  int64_t* to = out + ((blockIdx.x == 0 ? 0 : ends[blockIdx.x - 1]) + before) * sizes.rank;
  for (int d = sizes.rank - 1; d >= 0; --d) {
    to[d] = i % sizes.dims[d];
    i /= sizes.dims[d];
  }
}

template <class T>
struct Where {
  static void run(KernelContext& c) {
    const Tensor& in = c.input(0);
    const int64_t n = in.num_elements();
    const T* x = in.data<T>();
    if (n == 0) return void(c.allocate_output(0, Shape{0, in.rank()}));
    const dim3 blocks = blocks_for(n);
    Tensor ends = c.scratch(DType::kInt64, Shape{static_cast<int64_t>(blocks.x)});
    int64_t* e = ends.data<int64_t>();
    launch(&count_set<T>, blocks, kThreads, 0, stream(c), x, n, e);
    scan<int64_t>(stream(c), static_cast<const int64_t*>(e), e, 1, ends.num_elements(), 1, ScanOptions{});
    int64_t count;
    c.device().copy_to_host(&count, e + ends.num_elements() - 1, sizeof count);
    c.device().synchronize();
    Tensor& out = c.allocate_output(0, Shape{count, in.rank()});
    if (count == 0 || in.rank() == 0) return;
    Sizes sizes{};
    for (int d = 0; d < in.rank(); ++d) sizes.dims[sizes.rank++] = in.dim(d);
    launch(&write_coordinates<T>, blocks, kThreads, 0, stream(c), x, n, e, sizes, out.data<int64_t>());
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_where_cuda(Registry& r) {
  r.kernels<cuda::Where>("Where", DeviceKind::kCUDA,
                         TypeList<float, double, Half, BFloat16, int32_t, int64_t, uint8_t, bool>{});
}

}  // namespace tfmini

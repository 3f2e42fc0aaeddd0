// DynamicPartition and DynamicStitch. The host waits for the number of rows of each part, or of the whole, which are
// the results' shapes; what is wrong with the indices comes with them.
#include <limits>
#include <vector>

#include "core/bits.cuh"
#include "core/infer.h"
#include "core/reduce.cuh"
#include "core/registry.h"
#include "core/sort.cuh"
#include "core/stream.h"
#include "ops/strided_copy.h"

namespace tfmini::cuda {
namespace {

// What the host learns of small integers on the device.
template <class T>
std::vector<T> wait_for(const KernelContext& c, const T* values, int64_t n) {
  std::vector<T> host(static_cast<size_t>(n));
  c.device().copy_to_host(host.data(), values, host.size() * sizeof(T));
  c.device().synchronize();
  return host;
}

// begins[p]: where part p begins among the items sorted by part. The last is where those of no part begin.
__global__ void __launch_bounds__(kThreads)
    find_begins(const __grid_constant__ RowLists lists, int64_t* begins, int64_t parts) {
  const int64_t p = thread_index();
  if (p <= parts) begins[p] = lists.first_of(p, 0, lists.n);
}

// Row k of the part that begins at `begin`.
template <class U>
__global__ void __launch_bounds__(kThreads)
    take_part(const U* data, const __grid_constant__ RowLists lists, int64_t begin, U* out, int64_t width, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) out[i] = data[lists.item(begin + i / width) * width + i % width];
}

void dynamic_partition(KernelContext& c) {
  const Tensor &data = c.input(0), &partitions = c.input(1);
  const int64_t n = partitions.num_elements(), parts = c.num_outputs();
  const SortedRows rows(c, partitions, Shape{parts});
  Tensor scratch = c.scratch(DType::kInt64, Shape{parts + 1});
  launch(&find_begins, blocks_for(parts + 1), kThreads, 0, stream(c), rows.lists(), scratch.data<int64_t>(), parts);
  const std::vector<int64_t> begins = wait_for(c, scratch.data<int64_t>(), parts + 1);
  if (begins.back() < n) {
    const uint64_t key = wait_for(c, rows.lists().keys + begins.back(), 1)[0];
    const int64_t i = static_cast<int64_t>(key & ((uint64_t{1} << rows.lists().bits) - 1));
    invalid_argument("partitions[", i, "] = ", wait_for(c, partitions.data<int32_t>() + i, 1)[0], " is not in [0, ",
                     parts, ")");
  }
  const Shape slice = subshape(data.shape(), partitions.rank(), data.rank());
  const size_t size = dtype_size(data.dtype()), row = static_cast<size_t>(slice.num_elements()) * size;
  for (int p = 0; p < parts; ++p) {
    const int64_t begin = begins[static_cast<size_t>(p)], count = begins[static_cast<size_t>(p) + 1] - begin;
    Tensor& out = c.allocate_output(p, concatenate(Shape{count}, slice));
    if (out.num_elements() == 0) continue;
    const size_t bytes = widest_unit(size, row, data.raw(), out.raw());
    const int64_t width = static_cast<int64_t>(row / bytes);
    with_unit(bytes, [&]<class U>(std::type_identity<U>) {
      launch(&take_part<U>, blocks_for(count * width), kThreads, 0, stream(c), data.data<U>(), rows.lists(), begin,
             out.data<U>(), width, count * width);
    });
  }
}

// What is known of all indices of a stitch. Maxima and minima are the same in any order.
struct Extremes {
  int32_t highest;   // row
  int32_t negative;  // the first number that is negative, counted through all lists
};
constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

__global__ void __launch_bounds__(kThreads)
    find_extremes(const int32_t* indices, int32_t n, int32_t before, Extremes* extremes) {
  int32_t highest = -1, negative = kNone;
  for (int32_t k = static_cast<int32_t>(thread_index()); k < n; k += static_cast<int32_t>(gridDim.x * blockDim.x)) {
    highest = indices[k] > highest ? indices[k] : highest;
    if (indices[k] < 0 && before + k < negative) negative = before + k;
  }
  highest = block_reduce<Reduction::kMax>(highest);
  negative = block_reduce<Reduction::kMin>(negative);
  if (threadIdx.x != 0) return;
  atomicMax(&extremes->highest, highest);
  atomicMin(&extremes->negative, negative);
}

// last[row]: the last number, counted through all lists, that names the row.
__global__ void __launch_bounds__(kThreads)
    find_last(const int32_t* indices, int32_t n, int32_t before, int32_t* last) {
  const int64_t k = thread_index();
  if (k < n) atomicMax(last + indices[k], before + static_cast<int32_t>(k));
}

template <class U>
__global__ void __launch_bounds__(kThreads) put_rows(const int32_t* indices, const U* data, const int32_t* last,
                                                     int32_t before, U* out, int64_t width, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t k = i / width, row = indices[k];
  if (last[row] == before + k) out[row * width + i % width] = data[i];
}

void dynamic_stitch(KernelContext& c) {
  const int lists = c.num_inputs() / 2;
  std::vector<int32_t> before{0};
  for (int i = 0; i < lists; ++i) {
    const int64_t total = before.back() + c.input(i).num_elements();
    check(total < kNone, "more indices than int32 can count");
    before.push_back(static_cast<int32_t>(total));
  }
  const auto for_lists = [&](const auto& fn) {
    for (int i = 0; i < lists; ++i)
      if (const int32_t n = before[i + 1] - before[i]; n > 0) fn(i, c.in<int32_t>(i), n, before[i]);
  };

  Tensor found = c.scratch(DType::kInt32, Shape{2});
  Extremes* extremes = found.data<Extremes>();
  const Extremes nothing{-1, kNone};
  c.device().copy_from_host(extremes, &nothing, sizeof nothing);
  for_lists([&](int, const int32_t* indices, int32_t n, int32_t first) {
    const dim3 blocks(std::min(blocks_for(n).x, 256u));
    launch(&find_extremes, blocks, kThreads, 0, stream(c), indices, n, first, extremes);
  });
  const Extremes e = wait_for(c, extremes, 1)[0];
  if (e.negative != kNone)
    for_lists([&](int i, const int32_t* indices, int32_t n, int32_t first) {
      if (e.negative < first || e.negative >= first + n) return;
      const int32_t k = e.negative - first;
      invalid_argument("indices[", i, "][", k, "] = ", wait_for(c, indices + k, 1)[0], " must not be negative");
    });

  const int64_t rows = int64_t{e.highest} + 1;
  const Shape slice = subshape(c.input(lists).shape(), c.input(0).rank(), c.input(lists).rank());
  Tensor& out = c.allocate_output(0, concatenate(Shape{rows}, slice));
  if (out.num_elements() == 0) return;
  // TensorFlow leaves rows that nobody names undefined; zeros cannot leak old memory.
  zero_run(c, out.dtype(), out.raw(), out.num_elements());
  Tensor last = c.scratch(DType::kInt32, Shape{rows});
  check_cuda(cudaMemsetAsync(last.raw(), 0xff, last.bytes(), stream(c)), "filling a tensor");
  for_lists([&](int, const int32_t* indices, int32_t n, int32_t first) {
    launch(&find_last, blocks_for(n), kThreads, 0, stream(c), indices, n, first, last.data<int32_t>());
  });
  const size_t size = dtype_size(out.dtype()), row = static_cast<size_t>(slice.num_elements()) * size;
  for_lists([&](int i, const int32_t* indices, int32_t n, int32_t first) {
    const size_t bytes = widest_unit(size, row, c.input(lists + i).raw(), out.raw());
    const int64_t width = static_cast<int64_t>(row / bytes);
    with_unit(bytes, [&]<class U>(std::type_identity<U>) {
      launch(&put_rows<U>, blocks_for(n * width), kThreads, 0, stream(c), indices, c.in<U>(lists + i),
             last.data<int32_t>(), first, out.data<U>(), width, n * width);
    });
  });
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_partition_cuda(Registry& r) {
  r.kernel("DynamicPartition", DeviceKind::kCUDA, DType::kInvalid, cuda::dynamic_partition);
  for (const char* op : {"DynamicStitch", "ParallelDynamicStitch"})
    r.kernel(op, DeviceKind::kCUDA, DType::kInvalid, cuda::dynamic_stitch);
}

}  // namespace tfmini

// Unique and UniqueWithCounts of integers: sorted, first occurrences found and numbered. The host waits for their
// count, which is the result's shape.
#include "core/registry.h"
#include "core/scan.cuh"
#include "core/sort.cuh"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

// Values with their places; values compare as whatever they are the bits of.
template <class T>
__global__ void __launch_bounds__(kThreads) make_keys(const T* x, WideKey* keys, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) keys[i] = {static_cast<uint64_t>(x[i]), static_cast<uint64_t>(i)};
}

// first[place]: is it where its value is met first?
__global__ void __launch_bounds__(kThreads) find_first(const WideKey* keys, int64_t* first, int64_t n) {
  const int64_t s = thread_index();
  if (s < n) first[keys[s].low] = s == 0 || keys[s - 1].high != keys[s].high;
}

// The first place in the sorted keys that is not before `key`.
__device__ __forceinline__ int64_t lower_bound(const WideKey* keys, int64_t n, WideKey key) {
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// `numbers`: running counts of first occurrences.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    write_unique(const WideKey* keys, const int64_t* numbers, int64_t n, T* values, I* index, I* counts) {
  const int64_t s = thread_index();
  if (s >= n) return;
  const WideKey key = keys[s];
  const int64_t begin = lower_bound(keys, n, {key.high, 0});
  const int64_t number = numbers[keys[begin].low] - 1;
  index[key.low] = static_cast<I>(number);
  if (begin != s) return;
  values[number] = static_cast<T>(key.high);
  if (counts) counts[number] = static_cast<I>(lower_bound(keys, n, {key.high, ~uint64_t{0}}) - begin);
}

template <class T, class I>
void unique(KernelContext& c) {
  const Tensor& x = c.input(0);
  const int64_t n = x.num_elements();
  check(sizeof(I) == 8 || n <= std::numeric_limits<int32_t>::max(),
        "more elements than int32 can count; use out_idx=tf.int64");
  Tensor& index = c.allocate_output(1, x.shape());
  Tensor keys = scratch_keys<WideKey>(c, n), numbers = c.scratch(DType::kInt64, Shape{n});
  int64_t count = 0;
  if (n > 0) {
    launch(&make_keys<T>, blocks_for(n), kThreads, 0, stream(c), x.data<T>(), keys.data<WideKey>(), n);
    keys = sort_rows<WideKey>(c, std::move(keys), 1, n);
    int64_t* first = numbers.data<int64_t>();
    launch(&find_first, blocks_for(n), kThreads, 0, stream(c), keys.data<WideKey>(), first, n);
    scan<int64_t>(stream(c), static_cast<const int64_t*>(first), first, 1, n, 1, ScanOptions{});
    c.device().copy_to_host(&count, first + n - 1, sizeof count);
    c.device().synchronize();
  }
  Tensor& values = c.allocate_output(0, Shape{count});
  I* counts = c.num_outputs() > 2 ? c.allocate_output(2, Shape{count}).template data<I>() : nullptr;
  if (n > 0)
    launch(&write_unique<T, I>, blocks_for(n), kThreads, 0, stream(c), keys.data<WideKey>(), numbers.data<int64_t>(), n,
           values.data<T>(), index.data<I>(), counts);
}

template <class T>
struct Unique {
  static void run(KernelContext& c) {
    if (c.output_dtype(1) == DType::kInt32)
      unique<T, int32_t>(c);
    else
      unique<T, int64_t>(c);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_unique_cuda(Registry& r) {
  for (const char* op : {"Unique", "UniqueWithCounts"})
    r.kernels<cuda::Unique>(op, DeviceKind::kCUDA, TypeList<int32_t, int64_t>{});
}

}  // namespace tfmini

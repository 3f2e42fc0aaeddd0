// TopK. A block finds the k-th largest of a row by its leading bits, 8 at a time, and sorts what is not smaller; long
// rows are cut into parts whose winners meet again. For large k whole rows are sorted. InTopK: a block counts what is
// above the target.
#include <algorithm>
#include <bit>
#include <limits>

#include "core/reduce.cuh"
#include "core/registry.h"
#include "core/scan.cuh"
#include "core/sort.cuh"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

template <class T>
using Bits = std::conditional_t<sizeof(ComputeType<T>) == 8, uint64_t, uint32_t>;

// Bits that compare as the elements do: NaN as the greatest, -0 as 0.
template <class T>
__device__ __forceinline__ Bits<T> ordered(T element) {
  using C = ComputeType<T>;
  using U = Bits<T>;
  const C x = widen(element);
  constexpr U kSign = U(1) << (8 * sizeof(U) - 1);
  if constexpr (std::is_integral_v<C>) {
    return static_cast<U>(x) ^ kSign;
  } else {
    if (x != x) return std::numeric_limits<U>::max();
    U b;
    if constexpr (sizeof(C) == 8)
      b = static_cast<U>(__double_as_longlong(x + 0.0));
    else
      b = static_cast<U>(__float_as_uint(x + 0.0f));
    return b & kSign ? static_cast<U>(~b) : static_cast<U>(b | kSign);
  }
}

// Of an element and its index, ascending: larger elements first, equal ones by their index.
template <class T>
using Key = std::conditional_t<sizeof(Bits<T>) == 8, WideKey, uint64_t>;
template <class T>
__device__ __forceinline__ Key<T> make_key(T element, uint64_t index) {
  if constexpr (sizeof(Bits<T>) == 8)
    return {~ordered(element), index};
  else
    return uint64_t{static_cast<uint32_t>(~ordered(element))} << 32 | index;
}
__device__ __forceinline__ int32_t index_of(uint64_t key) { return static_cast<int32_t>(key & 0xffffffffu); }
__device__ __forceinline__ int32_t index_of(const WideKey& key) { return static_cast<int32_t>(key.low); }

// --- selection ------------------------------------------------------------------------------------

constexpr int kMostSelected = 1024;  // k up to which rows are not sorted as a whole
constexpr int kDigits = 256;

// Part `part` of a row: its elements, or of those that candidates name.
template <class T>
struct Candidates {
  const T* x;
  const int32_t* indices;  // of each row; nullptr: all elements are candidates
  int64_t row, count;      // elements of a row; candidates of a row
  int64_t part, parts;     // candidates of a part, parts of a row

  struct Part {
    const T* x;
    const int32_t* indices;
    int64_t first, count;
    __device__ __forceinline__ int32_t index(int64_t i) const {
      return indices ? indices[i] : static_cast<int32_t>(first + i);
    }
    __device__ __forceinline__ T value(int64_t i) const { return x[index(i)]; }
  };
  __device__ __forceinline__ Part of_block() const {
    const int64_t r = blockIdx.x / parts, first = blockIdx.x % parts * part;
    return {x + r * row, indices ? indices + r * count + first : nullptr, first,
            part < count - first ? part : count - first};
  }
};

// The bits of the k-th largest element, and how many larger ones there are. Each round counts the elements that share
// the leading digits found so far by their next one.
template <class T>
__device__ Bits<T> find_threshold(const typename Candidates<T>::Part& part, int k, int& larger) {
  using U = Bits<T>;
  __shared__ int counts[kDigits];
  __shared__ int digit, above;
  const int me = static_cast<int>(threadIdx.x);
  U found = 0, known = 0;
  larger = 0;
  for (int shift = 8 * static_cast<int>(sizeof(U)) - 8; shift >= 0; shift -= 8) {
    counts[me] = 0;
    __syncthreads();
    for (int64_t i = me; i < part.count; i += kThreads) {
      const U bits = ordered(part.value(i));
      if ((bits & known) == found) atomicAdd(&counts[bits >> shift & 0xff], 1);
    }
    __syncthreads();
    // Thread t looks at the t-th largest digit.
    const int mine = counts[kDigits - 1 - me];
    int before, all;
    block_scan(mine, false, before, all);
    if (larger + before < k && k <= larger + before + mine) {
      digit = kDigits - 1 - me;
      above = larger + before;
    }
    __syncthreads();
    larger = above;
    found |= static_cast<U>(digit) << shift;
    known |= U(0xff) << shift;
  }
  return found;
}

// The k best candidates of each part in their order. `width`: a power of two, of at least k and of a whole part that
// is no longer than kMostSelected. Where it is longer, a block has kThreads threads.
template <class T>
__global__ void __launch_bounds__(kThreads)
    select_top(const __grid_constant__ Candidates<T> candidates, int k, int width, T* values, int32_t* indices) {
  __shared__ Key<T> best[kMostSelected];
  const auto part = candidates.of_block();
  const int me = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
  if (part.count <= width) {
    for (int i = me; i < width; i += step)
      best[i] = i < part.count ? make_key(part.value(i), static_cast<uint64_t>(part.index(i))) : last_key<Key<T>>();
  } else {
    int larger;
    const Bits<T> threshold = find_threshold<T>(part, k, larger);
    // What is larger goes to the front, the first of what is equal behind it.
    for (int i = me; i < width; i += kThreads)
      if (i >= k) best[i] = last_key<Key<T>>();
    int front = 0, behind = larger;
    for (int64_t begin = 0; begin < part.count; begin += kThreads) {
      const int64_t i = begin + me;
      const T value = i < part.count ? part.value(i) : T{};
      const Bits<T> bits = ordered(value);
      const int wins = i < part.count && bits > threshold, ties = i < part.count && bits == threshold;
      int before, all;
      block_scan(wins << 16 | ties, false, before, all);
      const int place = wins ? front + (before >> 16) : behind + (before & 0xffff);
      if (wins || (ties && place < k)) best[place] = make_key(value, static_cast<uint64_t>(part.index(i)));
      front += all >> 16;
      behind += all & 0xffff;
      if (front == larger && behind >= k) break;
    }
  }
  sort_shared(best, width);
  for (int i = me; i < k; i += step) {
    const int32_t index = index_of(best[i]);
    indices[int64_t{blockIdx.x} * k + i] = index;
    if (values)
      values[int64_t{blockIdx.x} * k + i] = candidates.x[blockIdx.x / candidates.parts * candidates.row + index];
  }
}

// Parts of even length, no more than fill a GPU, and so long that few of their elements win.
inline int64_t count_parts(int64_t rows, int64_t count, int64_t k) {
  constexpr int64_t kBlocks = 512, kLeast = 8192;
  return std::max<int64_t>(1, std::min(kBlocks / rows, count / std::max(kLeast, 16 * k)));
}

template <class T>
void select(const KernelContext& c, const T* x, int64_t rows, int64_t row, int k, T* values, int32_t* indices) {
  Candidates<T> from{x, nullptr, row, row, row, 1};
  Tensor kept;
  do {
    from.parts = count_parts(rows, from.count, k);
    from.part = (from.count + from.parts - 1) / from.parts;
    const bool sorts_all = from.part <= kMostSelected;
    const int width = static_cast<int>(std::bit_ceil(static_cast<uint64_t>(sorts_all ? from.part : k)));
    const int threads = sorts_all ? std::clamp(width / 2, 32, kThreads) : kThreads;
    const bool last = from.parts == 1;
    Tensor winners = c.scratch(DType::kInt32, Shape{last ? 0 : rows * from.parts * k});
    launch(&select_top<T>, dim3(static_cast<unsigned>(rows * from.parts)), threads, 0, stream(c), from, k, width,
           last ? values : nullptr, last ? indices : winners.data<int32_t>());
    if (last) return;
    kept = std::move(winners);
    from.indices = kept.data<int32_t>();
    from.count = from.parts * k;
  } while (true);
}

// --- sorting --------------------------------------------------------------------------------------

template <class T>
__global__ void __launch_bounds__(kThreads) make_keys(const T* x, Key<T>* keys, int64_t row, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) keys[i] = make_key(x[i], static_cast<uint64_t>(i % row));
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    write_top(const T* x, const Key<T>* keys, T* values, int32_t* indices, int64_t row, int64_t k, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int32_t index = index_of(keys[i / k * row + i % k]);
  values[i] = x[i / k * row + index];
  indices[i] = index;
}

template <class T>
struct TopK {
  static void run(KernelContext& c) {
    const int64_t row = c.input(0).dim(-1), k = c.output(0).dim(-1), n = c.input(0).num_elements();
    const int64_t results = c.output(0).num_elements();
    if (results == 0) return;
    const T* x = c.in<T>(0);
    if (k <= kMostSelected) return select(c, x, n / row, row, static_cast<int>(k), c.out<T>(0), c.out<int32_t>(1));
    Tensor keys = scratch_keys<Key<T>>(c, n);
    launch(&make_keys<T>, blocks_for(n), kThreads, 0, stream(c), x, keys.data<Key<T>>(), row, n);
    keys = sort_rows<Key<T>>(c, std::move(keys), n / row, row);
    launch(&write_top<T>, blocks_for(results), kThreads, 0, stream(c), x, keys.data<Key<T>>(), c.out<T>(0),
           c.out<int32_t>(1), row, k, results);
  }
};

template <class I>
__global__ void __launch_bounds__(kThreads)
    in_top(const float* predictions, const I* targets, bool* out, int64_t classes, int64_t k) {
  const float* row = predictions + blockIdx.x * classes;
  const int64_t target = static_cast<int64_t>(targets[blockIdx.x]);
  const bool exists = static_cast<uint64_t>(target) < static_cast<uint64_t>(classes);
  const float wanted = exists ? row[target] : 0.0f;
  int64_t above = 0, odd = 0;
  for (int64_t i = threadIdx.x; i < classes; i += kThreads) {
    above += row[i] > wanted;
    odd += !(row[i] - row[i] == 0.0f);
  }
  above = block_reduce<Reduction::kSum>(above);
  odd = block_reduce<Reduction::kSum>(odd);
  if (threadIdx.x == 0) out[blockIdx.x] = exists && odd == 0 && above < k;
}

void in_top_k(KernelContext& c, int64_t k) {
  const int64_t rows = c.input(0).dim(0), classes = c.input(0).dim(1);
  if (rows == 0) return;
  const auto run = [&]<class I>(std::type_identity<I>) {
    launch(&in_top<I>, dim3(static_cast<unsigned>(rows)), kThreads, 0, stream(c), c.in<float>(0), c.in<I>(1),
           c.out<bool>(0), classes, k);
  };
  if (c.input(1).dtype() == DType::kInt32)
    run(std::type_identity<int32_t>{});
  else
    run(std::type_identity<int64_t>{});
}

class InTopK {
 public:
  explicit InTopK(const Attrs& attrs) : k_(attrs.integer("k")) {}
  void operator()(KernelContext& c) const { in_top_k(c, k_); }

 private:
  int64_t k_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_topk_cuda(Registry& r) {
  for (const char* op : {"TopK", "TopKV2"})
    r.kernels<cuda::TopK>(op, DeviceKind::kCUDA, TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
  r.kernel<cuda::InTopK>("InTopK", DeviceKind::kCUDA, DType::kInvalid);
  r.kernel(
      "InTopKV2", DeviceKind::kCUDA, DType::kInvalid,
      +[](KernelContext& c) { cuda::in_top_k(c, c.input(2).int_at(0)); });
}

}  // namespace tfmini

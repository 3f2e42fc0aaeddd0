// TopK: rows sorted as keys of value and index, larger values first. InTopK: a block counts what is above the target.
#include <limits>

#include "core/reduce.cuh"
#include "core/registry.h"
#include "core/sort.cuh"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

// Bits that compare as the elements do: NaN as the greatest, -0 as 0.
template <class T>
__device__ __forceinline__ uint64_t ordered(T element) {
  using C = ComputeType<T>;
  using U = std::conditional_t<sizeof(C) == 8, uint64_t, uint32_t>;
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

template <class T>
using Key = std::conditional_t<sizeof(ComputeType<T>) == 8, WideKey, uint64_t>;

template <class T>
__global__ void __launch_bounds__(kThreads) make_keys(const T* x, Key<T>* keys, int64_t row, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const auto index = static_cast<uint64_t>(i % row);
  if constexpr (sizeof(Key<T>) == 8)
    keys[i] = (~ordered(x[i]) << 32) | index;
  else
    keys[i] = {~ordered(x[i]), index};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    write_top(const T* x, const Key<T>* keys, T* values, int32_t* indices, int64_t row, int64_t k, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const Key<T> key = keys[i / k * row + i % k];
  int32_t index;
  if constexpr (sizeof(Key<T>) == 8)
    index = static_cast<int32_t>(key & 0xffffffffu);
  else
    index = static_cast<int32_t>(key.low);
  values[i] = x[i / k * row + index];
  indices[i] = index;
}

template <class T>
struct TopK {
  static void run(KernelContext& c) {
    const int64_t row = c.input(0).dim(-1), k = c.output(0).dim(-1), n = c.input(0).num_elements();
    const int64_t results = c.output(0).num_elements();
    if (results == 0) return;
    Tensor keys = scratch_keys<Key<T>>(c, n);
    launch(&make_keys<T>, blocks_for(n), kThreads, 0, stream(c), c.in<T>(0), keys.data<Key<T>>(), row, n);
    keys = sort_rows<Key<T>>(c, std::move(keys), n / row, row);
    launch(&write_top<T>, blocks_for(results), kThreads, 0, stream(c), c.in<T>(0), keys.data<Key<T>>(), c.out<T>(0),
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

// Cross entropy between labels and the softmax of logits, with its gradient: the logits come from memory twice at most.
#include "core/elementwise.cuh"
#include "core/softmax_row.cuh"

namespace tfmini::cuda {
namespace {

// The backprop may lie where the logits are: a thread reads its elements before it writes them.
template <class T, bool kBlock>
__global__ void __launch_bounds__(kThreads)
    dense_xent(const __grid_constant__ Operand logits, const __grid_constant__ Operand labels, T* loss, T* backprop,
               int64_t rows, int64_t classes) {
  using C = ComputeType<T>;
  using Group = RowGroup<kBlock>;
  constexpr int kPack = kPackOf<T>;
  const int64_t row = Group::row(), begin = row * classes;
  if (row >= rows) return;
  const bool whole = classes % kPack == 0;  // else rows begin anywhere
  const auto read = [&](const Operand& o, int64_t i, int64_t n, C(&v)[kPack]) {
    T pack[kPack];
    o.load<kPack>(begin + i, n, pack, whole);
#pragma unroll
    for (int j = 0; j < kPack; ++j) v[j] = j < n ? widen(pack[j]) : C(0);
  };
  const RowStats<C> s =
      row_stats<Group, kPack, C>(classes, [&](int64_t i, int64_t n, C(&v)[kPack]) { read(logits, i, n, v); });
  const C scale = C(1) / s.sum, log_sum = simd::math::log(s.sum);
  C sum = C(0);
  for (int64_t i = int64_t{Group::rank()} * kPack; i < classes; i += Group::kSize * kPack) {
    C x[kPack], y[kPack];
    T result[kPack];
    read(logits, i, classes - i, x);
    read(labels, i, classes - i, y);
#pragma unroll
    for (int j = 0; j < kPack; ++j) {
      if (i + j < classes) sum += y[j] * (log_sum - (x[j] - s.max));
      result[j] = narrow<T>(simd::math::exp(x[j] - s.max) * scale - y[j]);
    }
    store_pack<kPack>(backprop + begin + i, classes - i, whole && is_aligned<kPack>(backprop), result);
  }
  sum = Group::template reduce<Reduction::kSum>(sum);
  if (Group::rank() == 0) loss[row] = narrow<T>(sum);
}

template <class T>
void run_dense(KernelContext& c) {
  const int64_t rows = c.output(1).dim(0), classes = c.output(1).dim(1);
  if (rows == 0) return;
  if (classes == 0)
    return check_cuda(cudaMemsetAsync(c.output(0).raw(), 0, c.output(0).bytes(), stream(c)), "filling a tensor");
  constexpr int kPack = kPackOf<T>;
  const Shape& shape = c.output(1).shape();
  TFMINI_LAUNCH_ROWS(dense_xent, T, rows, classes, stream(c), Operand::of<T, kPack>(c.input(0), shape),
                     Operand::of<T, kPack>(c.input(1), shape), c.out<T>(0), c.out<T>(1), rows, classes);
}

// A label that names no class gives NaN, as TensorFlow's GPU kernel does: nobody looks at it on the host.
template <class Index>
struct Sparse {
  template <class T, bool kBlock>
  static __device__ void row(const T* in, const Index* labels, T* loss, T* out, int64_t rows, int64_t classes) {
    using C = ComputeType<T>;
    using Group = RowGroup<kBlock>;
    constexpr int kPack = kPackOf<T>;
    const int64_t row = Group::row();
    if (row >= rows) return;
    const T* x = in + row * classes;
    T* backprop = out + row * classes;
    const bool aligned = is_aligned<kPack>(x) && is_aligned<kPack>(backprop);
    const int64_t label = static_cast<int64_t>(labels[row]);
    const bool valid = label >= 0 && label < classes;
    // Before anyone writes.
    const C chosen = valid ? widen(x[label]) : std::numeric_limits<C>::quiet_NaN();
    const auto load = [&](int64_t i, int64_t n, C(&v)[kPack]) {
      T pack[kPack];
      load_pack<kPack>(x + i, n, aligned, pack);
#pragma unroll
      for (int j = 0; j < kPack; ++j) v[j] = j < n ? widen(pack[j]) : C(0);
    };
    const RowStats<C> s = row_stats<Group, kPack, C>(classes, load);
    const C scale = valid ? C(1) / s.sum : chosen;
    for (int64_t i = int64_t{Group::rank()} * kPack; i < classes; i += Group::kSize * kPack) {
      C v[kPack];
      T result[kPack];
      load(i, classes - i, v);
#pragma unroll
      for (int j = 0; j < kPack; ++j)
        result[j] = narrow<T>(simd::math::exp(v[j] - s.max) * scale - (i + j == label ? C(1) : C(0)));
      store_pack<kPack>(backprop + i, classes - i, aligned, result);
    }
    if (Group::rank() == 0) loss[row] = narrow<T>(simd::math::log(s.sum) - (chosen - s.max));
  }
};
template <class T, bool kBlock>
__global__ void __launch_bounds__(kThreads)
    sparse_xent32(const T* in, const int32_t* labels, T* loss, T* out, int64_t rows, int64_t classes) {
  Sparse<int32_t>::row<T, kBlock>(in, labels, loss, out, rows, classes);
}
template <class T, bool kBlock>
__global__ void __launch_bounds__(kThreads)
    sparse_xent64(const T* in, const int64_t* labels, T* loss, T* out, int64_t rows, int64_t classes) {
  Sparse<int64_t>::row<T, kBlock>(in, labels, loss, out, rows, classes);
}

template <class T>
void run_sparse(KernelContext& c) {
  const int64_t rows = c.input(0).dim(0), classes = c.input(0).dim(1);
  check(classes > 0 || rows == 0, "must have at least one class, but got logits of shape ", c.input(0).shape());
  if (rows == 0) return;
  if (c.input(1).dtype() == DType::kInt32)
    TFMINI_LAUNCH_ROWS(sparse_xent32, T, rows, classes, stream(c), c.in<T>(0), c.in<int32_t>(1), c.out<T>(0),
                       c.out<T>(1), rows, classes);
  else
    TFMINI_LAUNCH_ROWS(sparse_xent64, T, rows, classes, stream(c), c.in<T>(0), c.in<int64_t>(1), c.out<T>(0),
                       c.out<T>(1), rows, classes);
}

template <class... Ts>
void add(Registry& r, TypeList<Ts...>) {
  (r.kernel("SoftmaxCrossEntropyWithLogits", DeviceKind::kCUDA, dtype_of<Ts>, &run_dense<Ts>), ...);
  (r.kernel("SparseSoftmaxCrossEntropyWithLogits", DeviceKind::kCUDA, dtype_of<Ts>, &run_sparse<Ts>), ...);
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_xent_cuda(Registry& r) { cuda::add(r, FloatTypes{}); }

}  // namespace tfmini

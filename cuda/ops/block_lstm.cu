#include "ops/block_lstm.h"

#include <algorithm>

#include "core/device.cuh"
#include "core/stream.h"
#include "gemm/gemm.cuh"
#include "ops/block_lstm_steps.cuh"

namespace tfmini {
namespace cuda {
namespace {

using namespace block_lstm;

// Above this a matrix product per step on tensor cores is faster than the grid's own sums. Not measured.
constexpr int64_t kMaxBatch = 64;

// How the units are spread over blocks that keep their weights; blocks is 0 where they do not fit.
struct Spread {
  unsigned blocks = 0;
  int64_t groups = 0;  // of units, per block
  size_t shared = 0;
};

template <class T>
Spread spread(const Place& place, const BlockLSTMSizes& s) {
  const cudaDeviceProp& p = properties(place.device);
  const int64_t all = (s.units + kGroup - 1) / kGroup;
  Spread out;
  out.groups = (all + p.multiProcessorCount - 1) / p.multiProcessorCount;
  out.shared = static_cast<size_t>(out.groups * kGroup * s.columns()) * sizeof(T);
  if (s.batch <= kMaxBatch && out.shared <= p.sharedMemPerBlockOptin)
    out.blocks = static_cast<unsigned>((all + out.groups - 1) / out.groups);
  return out;
}

template <bool kForward, class T>
void run_together(KernelContext& c, const Place& place, const BlockLSTMSizes& s, const Spread& by, BlockLSTMArgs<T> p) {
  Tensor counter = c.scratch(DType::kInt32, Shape{1});
  p.arrived = static_cast<unsigned*>(counter.raw());
  check_cuda(cudaMemsetAsync(p.arrived, 0, sizeof(unsigned), place.stream), "clearing a counter");
  launch_together(&all_steps<kForward, T>, by.blocks, kStepThreads, by.shared, place.stream, p, by.groups);
}

void clear(void* from, size_t bytes, cudaStream_t stream) {
  if (bytes > 0) check_cuda(cudaMemsetAsync(from, 0, bytes, stream), "filling a tensor");
}
void copy(void* to, const void* from, size_t bytes, cudaStream_t stream) {
  if (bytes > 0) check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "copying a tensor");
}

template <class T>
BlockLSTMArgs<T> arguments(KernelContext& c, const BlockLSTMSizes& s, bool use_peephole, T* z) {
  BlockLSTMArgs<T> p = {};
  p.batch = s.batch, p.units = s.units, p.steps = s.steps;
  p.cs_before = c.in<T>(kStateBefore), p.h_before = c.in<T>(kOutputBefore);
  p.w = c.in<T>(kW) + s.inputs * s.columns();
  const simd::PeepholeRows<T> w = peepholes<T>(c, use_peephole);
  p.wci = w.i, p.wcf = w.f, p.wco = w.o;
  p.z = z;
  return p;
}

template <class T>
class BlockLSTM {
 public:
  explicit BlockLSTM(const Attrs& attrs) : options_(attrs) {}

  void operator()(KernelContext& c) const {
    const BlockLSTMSizes s(c);
    const Place place = cuda::place(c.device());
    const int64_t done = s.steps * s.state();
    for (int i = 0; i < kNumResults; ++i)
      clear(c.out<T>(i) + done, static_cast<size_t>(s.times * s.state() - done) * sizeof(T), place.stream);
    if (done == 0) return;

    Tensor z = c.scratch(dtype_of<T>, Shape{s.steps * s.batch, s.columns()});
    auto inputs =
        dense_gemm<T>(s.steps * s.batch, s.columns(), s.inputs, c.in<T>(kX), false, c.in<T>(kW), false, z.data<T>());
    inputs.epilogue.bias = c.in<T>(kB);
    gemm(place, inputs);
    BlockLSTMArgs<T> p = arguments<T>(c, s, options_.use_peephole, z.data<T>());
    p.forget_bias = options_.forget_bias, p.cell_clip = options_.cell_clip;
    T** results[] = {&p.i, &p.cs, &p.f, &p.o, &p.ci, &p.co, &p.h};
    for (int i = 0; i < kNumResults; ++i) *results[i] = c.out<T>(i);

    const Spread by = spread<T>(place, s);
    if (by.blocks > 0) return run_together<true>(c, place, s, by, p);
    for (int64_t t = 0; t < s.steps; ++t) {
      T* zt = p.z + t * s.batch * s.columns();
      auto step = dense_gemm<T>(s.batch, s.columns(), s.units, t ? p.h + (t - 1) * s.state() : p.h_before, false, p.w,
                                false, zt);
      step.epilogue.add = zt;
      gemm(place, step);
      launch(&one_step<true, T>, blocks_for(s.state()), kThreads, 0, place.stream, p, t,
             static_cast<const T*>(nullptr));
    }
  }

 private:
  BlockLSTMOptions options_;
};

// out[j] = sum over rows of x[row, j] (times y[row, j]), in an order that depends on the number of rows only.
constexpr int kSumColumns = 32, kSumRows = 8;
template <class T>
__global__ void __launch_bounds__(kSumColumns* kSumRows)
    column_sums(int64_t rows, int64_t columns, const T* x, int64_t x_stride, const T* y, T* out) {
  using C = ComputeType<T>;
  __shared__ C partial[kSumRows][kSumColumns];
  const int column = threadIdx.x % kSumColumns, row = threadIdx.x / kSumColumns;
  const int64_t j = int64_t{blockIdx.x} * kSumColumns + column;
  C sum = C(0);
  if (j < columns)
    for (int64_t r = row; r < rows; r += kSumRows)
      sum += widen(x[r * x_stride + j]) * (y ? widen(y[r * columns + j]) : C(1));
  partial[row][column] = sum;
  __syncthreads();
  if (row > 0 || j >= columns) return;
  for (int i = 1; i < kSumRows; ++i) sum += partial[i][column];
  out[j] = narrow<T>(sum);
}

template <class T, class C>
__global__ void __launch_bounds__(kThreads) narrow_all(int64_t n, const C* x, T* y) {
  const int64_t i = thread_index();
  if (i < n) y[i] = narrow<T>(x[i]);
}

template <class T>
class BlockLSTMGrad {
 public:
  explicit BlockLSTMGrad(const Attrs& attrs) : use_peephole_(attrs.flag("use_peephole")) {}

  void operator()(KernelContext& c) const {
    const BlockLSTMSizes s(c);
    const Place place = cuda::place(c.device());
    const int64_t rows = s.steps * s.batch;
    if (rows * s.units == 0) {
      for (int i = 0; i < c.num_outputs(); ++i) clear(c.output(i).raw(), c.output(i).bytes(), place.stream);
      return;
    }
    Tensor dz = c.scratch(dtype_of<T>, Shape{rows, s.columns()});
    T* d = dz.data<T>();
    steps(c, place, s, d);

    // What was before the first step.
    product(place, s.batch, s.units, s.columns(), d, false, c.in<T>(kW) + s.inputs * s.columns(), true,
            c.out<T>(kDOutputBefore));
    product(place, rows, s.inputs, s.columns(), d, false, c.in<T>(kW), true, c.out<T>(kDx));
    clear(c.out<T>(kDx) + rows * s.inputs, static_cast<size_t>((s.times * s.batch - rows) * s.inputs) * sizeof(T),
          place.stream);
    const Tensor h_before = shifted(c, place, s, kOutputBefore, kResults + kH);
    product(place, s.inputs, s.columns(), rows, c.in<T>(kX), true, d, false, c.out<T>(kDw));
    product(place, s.units, s.columns(), rows, h_before.data<T>(), true, d, false,
            c.out<T>(kDw) + s.inputs * s.columns());
    sum(place, rows, s.columns(), d, s.columns(), nullptr, c.out<T>(kDb));
    if (!use_peephole_) {
      for (int i : {kDwci, kDwcf, kDwco}) clear(c.output(i).raw(), c.output(i).bytes(), place.stream);
      return;
    }
    const Tensor before = shifted(c, place, s, kStateBefore, kResults + kCs);
    sum(place, rows, s.units, d, s.columns(), before.data<T>(), c.out<T>(kDwci));
    sum(place, rows, s.units, d + 2 * s.units, s.columns(), before.data<T>(), c.out<T>(kDwcf));
    sum(place, rows, s.units, d + 3 * s.units, s.columns(), c.in<T>(kResults + kCs), c.out<T>(kDwco));
  }

 private:
  using C = ComputeType<T>;

  void steps(KernelContext& c, const Place& place, const BlockLSTMSizes& s, T* dz) const {
    BlockLSTMArgs<T> p = arguments<T>(c, s, use_peephole_, dz);
    T** results[] = {&p.i, &p.cs, &p.f, &p.o, &p.ci, &p.co, &p.h};
    for (int i = 0; i < kNumResults; ++i) *results[i] = const_cast<T*>(c.in<T>(kResults + i));
    p.cs_grad = c.in<T>(kStateGrad), p.h_grad = c.in<T>(kOutputGrad);
    Tensor carry = c.scratch(dtype_of<C>, Shape{s.batch, s.units});
    p.carry = carry.data<C>();
    const Spread by = spread<T>(place, s);
    if (by.blocks > 0) {
      run_together<false>(c, place, s, by, p);
    } else {
      Tensor later = c.scratch(dtype_of<T>, Shape{s.batch, s.units});
      for (int64_t t = s.steps; t-- > 0;) {
        const bool last = t + 1 == s.steps;
        if (!last)
          product(place, s.batch, s.units, s.columns(), dz + (t + 1) * s.batch * s.columns(), false, p.w, true,
                  later.data<T>());
        launch(&one_step<false, T>, blocks_for(s.state()), kThreads, 0, place.stream, p, t,
               last ? static_cast<const T*>(nullptr) : later.data<T>());
      }
    }
    launch(&narrow_all<T, C>, blocks_for(s.state()), kThreads, 0, place.stream, s.state(), p.carry,
           c.out<T>(kDStateBefore));
  }

  // Nothing where the result or the sums are empty: callers' outputs then are, or must be zeros.
  static void product(const Place& place, int64_t m, int64_t n, int64_t k, const T* a, bool transpose_a, const T* b,
                      bool transpose_b, T* out) {
    if (m * n > 0) gemm(place, dense_gemm<T>(m, n, k, a, transpose_a, b, transpose_b, out));
  }
  static void sum(const Place& place, int64_t rows, int64_t columns, const T* x, int64_t stride, const T* y, T* out) {
    launch(&column_sums<T>, static_cast<unsigned>((columns + kSumColumns - 1) / kSumColumns), kSumColumns * kSumRows, 0,
           place.stream, rows, columns, x, stride, y, out);
  }
  // The values before each step: `before`, then those of all steps but the last.
  static Tensor shifted(const KernelContext& c, const Place& place, const BlockLSTMSizes& s, int before, int values) {
    Tensor out = c.scratch(dtype_of<T>, Shape{s.steps * s.batch, s.units});
    const size_t bytes = static_cast<size_t>(s.state()) * sizeof(T);
    copy(out.raw(), c.input(before).raw(), bytes, place.stream);
    copy(out.data<T>() + s.state(), c.input(values).raw(), static_cast<size_t>(s.steps - 1) * bytes, place.stream);
    return out;
  }

  bool use_peephole_;
};

}  // namespace
}  // namespace cuda

void register_block_lstm_cuda(Registry& r) {
  r.kernels<cuda::BlockLSTM>("BlockLSTM", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::BlockLSTMGrad>("BlockLSTMGrad", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini

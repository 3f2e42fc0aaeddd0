// The steps of BlockLSTM on a GPU, forward and backward.
//
// Where the recurrent weights fit into the shared memory of all multiprocessors, one grid takes all steps: every block
// keeps the weights of its units, and blocks wait for each other between steps. Otherwise a matrix product per step is
// followed by a kernel for its cells.
#pragma once

#include "core/grid.cuh"
#include "core/vec.cuh"
#include "simd/block_lstm_cell.h"

namespace tfmini::cuda {

template <class T>
struct BlockLSTMArgs {
  using C = ComputeType<T>;
  int64_t batch, units, steps;
  const T *cs_before, *h_before;  // [batch, units], before the first step
  const T* w;                     // the rows of the units: [units, 4 units]
  const T *wci, *wcf, *wco;       // null without peepholes
  T* z;                           // [steps, batch, 4 units]: pre-activations, or their gradients
  // Forward: results. Backward: what they were. [times, batch, units]
  T *i, *cs, *f, *o, *ci, *co, *h;
  float forget_bias, cell_clip;
  // Backward only: the gradients of states and outputs, and of the state from later steps, in place, [batch, units].
  const T *cs_grad, *h_grad;
  C* carry;
  unsigned* arrived;  // of grid_barrier

  __device__ __forceinline__ simd::Peepholes<C> peepholes(int64_t u) const {
    if (!wci) return {};
    return {widen(wci[u]), widen(wcf[u]), widen(wco[u])};
  }
  // Of element `at` of the step's batch and units, u being its unit.
  __device__ __forceinline__ void forward(int64_t t, int64_t at, int64_t u, const C (&product)[4]) const {
    const int64_t to = t * batch * units + at;
    const T* pre = z + t * batch * 4 * units + (at - u) * 4 + u;
    const C before = widen(t ? cs[to - batch * units] : cs_before[at]);
    const simd::BlockLSTMCell<C> cell(widen(pre[0]) + product[0], widen(pre[units]) + product[1],
                                      widen(pre[2 * units]) + product[2], widen(pre[3 * units]) + product[3], before,
                                      peepholes(u), C(forget_bias), C(cell_clip));
    i[to] = narrow<T>(cell.i), f[to] = narrow<T>(cell.f), o[to] = narrow<T>(cell.o);
    cs[to] = narrow<T>(cell.cs), ci[to] = narrow<T>(cell.ci), co[to] = narrow<T>(cell.co);
    h[to] = narrow<T>(cell.h);
  }
  // `later`: the gradient of the output from the next step.
  __device__ __forceinline__ void backward(int64_t t, int64_t at, int64_t u, C later) const {
    const int64_t from = t * batch * units + at;
    const C before = widen(t ? cs[from - batch * units] : cs_before[at]);
    const C dcs = widen(cs_grad[from]) + (t + 1 < steps ? carry[at] : C(0)), dh = widen(h_grad[from]) + later;
    const simd::BlockLSTMGradient<C> d(widen(i[from]), widen(f[from]), widen(o[from]), widen(ci[from]), widen(co[from]),
                                       before, peepholes(u), dcs, dh);
    T* to = z + t * batch * 4 * units + (at - u) * 4 + u;
    to[0] = narrow<T>(d.zi), to[units] = narrow<T>(d.zci), to[2 * units] = narrow<T>(d.zf);
    to[3 * units] = narrow<T>(d.zo);
    carry[at] = d.cs_prev;
  }
};

constexpr int kStepThreads = 256;
constexpr int kGroup = 4;  // units, and sequences, that a warp works on at a time

// The weights a block keeps, per group of its units: rows of kWidth / 4 parts by k by 4, so that the lanes of a warp, k
// apart, read neighbours.
template <bool kForward>
struct Slice {
  static constexpr int kWidth = kForward ? 4 * kGroup : kGroup;  // sums per sequence

  static __device__ __forceinline__ int64_t depth(int64_t units) { return kForward ? units : 4 * units; }

  template <class T>
  static __device__ void load(const BlockLSTMArgs<T>& p, int64_t first, int64_t groups, T* slice) {
    const int64_t depth = Slice::depth(p.units), total = groups * depth * kWidth;
    for (int64_t e = threadIdx.x; e < total; e += kStepThreads) {
      const int64_t j = e % 4, k = e / 4 % depth, part = e / 4 / depth;
      // Forward a part is a unit and j a gate; backward there is one part a group and j is a unit.
      const int64_t u = first + (kForward ? part : part * kGroup + j);
      slice[e] = u >= p.units ? T(0.0f) : kForward ? p.w[k * 4 * p.units + j * p.units + u] : p.w[u * 4 * p.units + k];
    }
    __syncthreads();
  }
};

// Each of n sums over a warp's lanes, halving what a lane keeps: afterwards lane l has those numbered l n / 32 and on,
// or, where n < 32, lanes l n / 32 ... one each.
template <int n, class C>
__device__ __forceinline__ void scatter_sums(C (&v)[n]) {
  const int lane = threadIdx.x % 32;
  int kept = n;
#pragma unroll
  for (int bit = 16; bit > 0; bit /= 2) {
    if (kept > 1) {
      kept /= 2;
#pragma unroll
      for (int i = 0; i < n / 2; ++i) {
        if (i >= kept) break;
        const C low = v[i], high = v[i + kept];
        const bool upper = lane & bit;
        v[i] = (upper ? high : low) + __shfl_xor_sync(0xffffffffu, upper ? low : high, bit);
      }
    } else {
      v[0] += __shfl_xor_sync(0xffffffffu, v[0], bit);
    }
  }
}

// Rows b0 ... b0 + 3 of x [batch, depth] times the slice's columns: sums numbered by row, then column.
template <int kWidth, class T, class C = ComputeType<T>>
__device__ __forceinline__ void products(const T* x, int64_t batch, int64_t b0, int64_t depth, const T* slice,
                                         C (&sums)[kGroup * kWidth]) {
#pragma unroll
  for (C& s : sums) s = C(0);
  for (int64_t k = threadIdx.x % 32; k < depth; k += 32) {
    C row[kGroup];
#pragma unroll
    for (int r = 0; r < kGroup; ++r)
      row[r] = b0 + r < batch ? widen(load_shared_between_blocks(x + (b0 + r) * depth + k)) : C(0);
#pragma unroll
    for (int part = 0; part < kWidth / 4; ++part) {
      T w[4];
      load_pack<4>(slice + (part * depth + k) * 4, 4, true, w);
#pragma unroll
      for (int r = 0; r < kGroup; ++r)
#pragma unroll
        for (int j = 0; j < 4; ++j) sums[r * kWidth + part * 4 + j] += row[r] * widen(w[j]);
    }
  }
  scatter_sums(sums);
}

// All steps, first to last or, backward, last to first, of a grid launched together. A block has groups of units from
// blockIdx.x * groups * kGroup on.
template <bool kForward, class T>
__global__ void __launch_bounds__(kStepThreads) all_steps(const __grid_constant__ BlockLSTMArgs<T> p, int64_t groups) {
  using C = ComputeType<T>;
  using Weights = Slice<kForward>;
  constexpr int kWidth = Weights::kWidth;
  T* slice = dynamic_shared<T>();
  const int64_t first = int64_t{blockIdx.x} * groups * kGroup, depth = Weights::depth(p.units);
  Weights::load(p, first, groups, slice);
  const int lane = threadIdx.x % 32;
  const int64_t tasks = groups * ((p.batch + kGroup - 1) / kGroup);
  for (int64_t step = 0; step < p.steps; ++step) {
    const int64_t t = kForward ? step : p.steps - 1 - step;
    const T* x =
        kForward ? (t ? p.h + (t - 1) * p.batch * p.units : p.h_before) : p.z + (t + 1) * p.batch * 4 * p.units;
    for (int64_t task = threadIdx.x / 32; task < tasks; task += kStepThreads / 32) {
      const int64_t group = task % groups, b0 = task / groups * kGroup;
      C sums[kGroup * kWidth] = {};
      if (kForward || t + 1 < p.steps) products<kWidth>(x, p.batch, b0, depth, slice + group * depth * kWidth, sums);
      // Forward two lanes have a cell's four gates; backward two have the same cell.
      const int cell = lane / 2;
      const int64_t b = b0 + cell / kGroup, u = first + group * kGroup + cell % kGroup, at = b * p.units + u;
      const bool mine = lane % 2 == 0 && b < p.batch && u < p.units;
      if constexpr (kForward) {
        const C z[4] = {sums[0], sums[1], __shfl_xor_sync(0xffffffffu, sums[0], 1),
                        __shfl_xor_sync(0xffffffffu, sums[1], 1)};
        if (mine) p.forward(t, at, u, z);
      } else {
        if (mine) p.backward(t, at, u, sums[0]);
      }
    }
    if (step + 1 < p.steps) grid_barrier(p.arrived, static_cast<unsigned>(step + 1));
  }
}

// The cells of step t; z holds whole pre-activations. Backward, `later` has the products [batch, units], if any.
template <bool kForward, class T>
__global__ void __launch_bounds__(kThreads)
    one_step(const __grid_constant__ BlockLSTMArgs<T> p, int64_t t, const T* later) {
  using C = ComputeType<T>;
  const int64_t at = thread_index();
  if (at >= p.batch * p.units) return;
  if constexpr (kForward)
    p.forward(t, at, at % p.units, {C(0), C(0), C(0), C(0)});
  else
    p.backward(t, at, at % p.units, later ? widen(later[at]) : C(0));
}

}  // namespace tfmini::cuda

// Rows of BlockLSTM's steps: n units of one sequence at one time.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"
#include "simd/float_loops.h"

namespace tfmini::simd {

// n elements each; all null without peepholes.
template <class T>
struct PeepholeRows {
  const T *i = nullptr, *f = nullptr, *o = nullptr;
};

// A step's results, n elements each, in the order of the op's outputs.
template <class T>
struct BlockLSTMRow {
  T *i, *cs, *f, *o, *ci, *co, *h;
};

template <class T>
struct BlockLSTMLoops {
  using C = ComputeType<T>;
  // z: 4n pre-activations without the peepholes' part; cell_clip: no bound if it is not positive.
  void (*forward)(int64_t n, const C* z, const T* cs_prev, const PeepholeRows<T>& w, float forget_bias, float cell_clip,
                  const BlockLSTMRow<T>& out);
  // dcs, dh: the whole gradients of the step's state and output. Writes 4n gradients of pre-activations to dz, and
  // that of cs_prev over dcs.
  void (*backward)(int64_t n, const BlockLSTMRow<const T>& step, const T* cs_prev, const PeepholeRows<T>& w, C* dcs,
                   const C* dh, T* dz);
};

using BlockLSTMTable = FloatLoops<BlockLSTMLoops>;
TFMINI_SIMD_TABLE(BlockLSTMTable, block_lstm_table)

}  // namespace tfmini::simd

// Rows of BlockLSTM's steps: n units of one sequence at one time.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/dtype.h"
#include "simd/dispatch.h"

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

template <class T, class C = ComputeType<T>>
struct BlockLSTMLoops {
  // z: 4n pre-activations without the peepholes' part; cell_clip: no bound if it is not positive.
  void (*forward)(int64_t n, const C* z, const T* cs_prev, const PeepholeRows<T>& w, float forget_bias, float cell_clip,
                  const BlockLSTMRow<T>& out);
  // dcs, dh: the whole gradients of the step's state and output. Writes 4n gradients of pre-activations to dz, and
  // that of cs_prev over dcs.
  void (*backward)(int64_t n, const BlockLSTMRow<const T>& step, const T* cs_prev, const PeepholeRows<T>& w, C* dcs,
                   const C* dh, T* dz);
};

struct BlockLSTMTable {
  BlockLSTMLoops<float> f32;
  BlockLSTMLoops<double> f64;
  BlockLSTMLoops<Half> f16;
  BlockLSTMLoops<BFloat16> bf16;

  template <class T>
  TFMINI_ALWAYS_INLINE const BlockLSTMLoops<T>& of() const {
    if constexpr (std::is_same_v<T, float>)
      return f32;
    else if constexpr (std::is_same_v<T, double>)
      return f64;
    else if constexpr (std::is_same_v<T, Half>)
      return f16;
    else
      return bf16;
  }
};

TFMINI_SIMD_TABLE(BlockLSTMTable, block_lstm_table)

}  // namespace tfmini::simd

// One unit of BlockLSTM's cell, forward and backward, for CPU loops and CUDA kernels alike: an LSTM with optional
// peepholes (the gates see the state) and a bound on the state. Pre-activations have TensorFlow's order: i, ci, f, o.
#pragma once

#include "simd/math.h"

namespace tfmini::simd {

// What one unit's weights from the state to the gates are; zeros without peepholes.
template <class T>
struct Peepholes {
  T i = T(0), f = T(0), o = T(0);
};

template <class T>
struct BlockLSTMCell {
  T i, cs, f, o, ci, co, h;

  TFMINI_FN BlockLSTMCell(T zi, T zci, T zf, T zo, T cs_prev, const Peepholes<T>& w, T forget_bias, T cell_clip)
      : i(math::sigmoid(zi + cs_prev * w.i)), f(math::sigmoid(zf + forget_bias + cs_prev * w.f)), ci(math::tanh(zci)) {
    cs = ci * i + cs_prev * f;
    if (cell_clip > T(0)) cs = cs > cell_clip ? cell_clip : cs < -cell_clip ? -cell_clip : cs;
    o = math::sigmoid(zo + cs * w.o);
    co = math::tanh(cs);
    h = o * co;
  }
};

// From the gradients of a step's state and output to those of the pre-activations and of the state before. As in
// TensorFlow the bound on the state passes gradients on.
template <class T>
struct BlockLSTMGradient {
  T zi, zci, zf, zo, cs_prev;

  TFMINI_FN BlockLSTMGradient(T i, T f, T o, T ci, T co, T before, const Peepholes<T>& w, T dcs, T dh) {
    zo = o * (T(1) - o) * dh * co;
    const T total = (T(1) - co * co) * dh * o + dcs + zo * w.o;
    zci = (T(1) - ci * ci) * total * i;
    zf = f * (T(1) - f) * total * before;
    zi = i * (T(1) - i) * total * ci;
    cs_prev = total * f + zi * w.i + zf * w.f;
  }
};

}  // namespace tfmini::simd

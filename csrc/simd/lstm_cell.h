// One unit of an LSTM cell, forward and backward, for CPU loops and CUDA kernels alike.
//
//   c = sigmoid(f + forget_bias) c_prev + sigmoid(i) tanh(j)        h = sigmoid(o) tanh(c)
#pragma once

#include "simd/math.h"

namespace tfmini::simd {

template <class T>
struct LSTMGates {
  T i, j, f, o;  // after their activations

  TFMINI_FN LSTMGates(T zi, T zj, T zf, T zo, T forget_bias)
      : i(math::sigmoid(zi)), j(math::tanh(zj)), f(math::sigmoid(zf + forget_bias)), o(math::sigmoid(zo)) {}
};

template <class T>
TFMINI_FN void lstm_forward(const LSTMGates<T>& g, T c_prev, T& c, T& h) {
  c = g.f * c_prev + g.i * g.j;
  h = g.o * math::tanh(c);
}

// From the gradients dc and dh of a step's results to those of its inputs. The gates and tanh(c) are
// computed again: cheaper than keeping five tensors per step.
template <class T>
struct LSTMGradient {
  T zi, zj, zf, zo, c_prev;

  TFMINI_FN LSTMGradient(const LSTMGates<T>& g, T prev, T c, T dc, T dh) {
    const T t = math::tanh(c);
    const T total = dc + dh * g.o * (T(1) - t * t);
    zi = total * g.j * g.i * (T(1) - g.i);
    zj = total * g.i * (T(1) - g.j * g.j);
    zf = total * prev * g.f * (T(1) - g.f);
    zo = dh * t * g.o * (T(1) - g.o);
    c_prev = total * g.f;
  }
};

}  // namespace tfmini::simd

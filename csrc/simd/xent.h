// Cross entropy of one row of logits with a softmax: loss and gradient from one reading of the logits.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct XentLoops {
  // loss = sum(labels * (log(sum(exp(x))) - x)), backprop = softmax(x) - labels. backprop may be x, not labels.
  T (*dense)(const T* x, const T* labels, T* backprop, int64_t n);
  // The same for labels = one_hot(label).
  T (*sparse)(const T* x, int64_t label, T* backprop, int64_t n);
};

struct XentTable {
  XentLoops<float> f32;
  XentLoops<double> f64;
  XentLoops<Half> f16;
  XentLoops<BFloat16> bf16;
};

TFMINI_SIMD_TABLE(XentTable, xent_table)

template <class T>
const XentLoops<T>& xent_loops() {
  if constexpr (std::is_same_v<T, float>)
    return xent_table().f32;
  else if constexpr (std::is_same_v<T, double>)
    return xent_table().f64;
  else if constexpr (std::is_same_v<T, Half>)
    return xent_table().f16;
  else
    return xent_table().bf16;
}

}  // namespace tfmini::simd

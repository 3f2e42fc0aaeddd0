// Two-dimensional convolution of float and double images on the CPU, and its two gradients.
//
// All three are sums of products of image rows with a small matrix, computed by the register tile
// of simd/conv.h, which reads pixels through pointers: nothing like an im2col matrix exists. The
// work is cut into blocks of output pixels whose input fits the L2 cache; a block that touches the
// border works on a padded copy of its input (band.h).
#pragma once

#include <limits>

#include "conv/geometry.h"
#include "core/tensor.h"

namespace tfmini::conv {

// What happens to a convolution's sums before they are stored, in this order; null: nothing.
template <class T>
struct Epilogue {
  const T* scale = nullptr;  // per output channel; multiplied into the filter
  const T* bias = nullptr;   // per output channel
  const T* add = nullptr;    // another image like the output; NHWC only
  T low = -std::numeric_limits<T>::infinity();
  T high = std::numeric_limits<T>::infinity();

  bool finishes() const { return bias || add || low > -high || high < std::numeric_limits<T>::infinity(); }
};

// input [batch, h.in, w.in, in_channels], filter [h.kernel, w.kernel, group_in, out_channels],
// output and grad [batch, h.out, w.out, out_channels]; images are NCHW if g.nchw. Every element of
// the last image is written. Bits do not depend on the number of threads.
//
// `packed`, if given, keeps the filter (and scale) in the form the loops want: filled by a call that
// finds it undefined, used by later calls with the same geometry, filter, scale and instruction set.
template <class T>
void forward(const ConvGeometry& g, const T* input, const T* filter, T* output, const Epilogue<T>& epilogue = {},
             Tensor* packed = nullptr);
template <class T>
void input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
template <class T>
void filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

}  // namespace tfmini::conv

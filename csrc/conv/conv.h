// Two-dimensional convolution of float and double images on the CPU, and its two gradients.
//
// All three are sums of products of image rows with a small matrix, computed by the register tile
// of simd/conv.h, which reads pixels through pointers: nothing like an im2col matrix exists. The
// work is cut into blocks of output pixels whose input fits the L2 cache; a block that touches the
// border works on a padded copy of its input (band.h).
#pragma once

#include "conv/geometry.h"

namespace tfmini::conv {

// input [batch, h.in, w.in, in_channels], filter [h.kernel, w.kernel, group_in, out_channels],
// output and grad [batch, h.out, w.out, out_channels]; images are NCHW if g.nchw. Every element of
// the last argument is written. Bits do not depend on the number of threads.
template <class T>
void forward(const ConvGeometry& g, const T* input, const T* filter, T* output);
template <class T>
void input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
template <class T>
void filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

}  // namespace tfmini::conv

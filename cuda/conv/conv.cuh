// Two-dimensional convolution of NHWC images on a GPU and its two gradients, as products of matrices that are read
// where they lie: the tile loads of the matrix kernels find each element of an image that a window looks at
// (gemm/operands.cuh), so that nothing like an im2col matrix is ever stored.
#pragma once

#include "conv/geometry.h"
#include "gemm/gemm.cuh"

namespace tfmini::cuda {

// Layouts as in csrc/conv/conv.h; g.nchw is ignored. Every element of the result is written. Instantiated for float,
// double, Half and BFloat16.
template <class T>
void conv_forward(const Place& place, const ConvGeometry& g, const T* input, const T* filter, T* output,
                  const Epilogue<T>& epilogue = {});
template <class T>
void conv_input_grad(const Place& place, const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
// Sums over all pixels are split in parts that depend on the sizes and the chip only, and added in their order.
template <class T>
void conv_filter_grad(const Place& place, const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

// One filter per channel; g is ops/conv2d.h's depthwise_geometry.
template <class T>
void depthwise_forward(const Place& place, const ConvGeometry& g, const T* input, const T* filter, T* output);
template <class T>
void depthwise_input_grad(const Place& place, const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
template <class T>
void depthwise_filter_grad(const Place& place, const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

}  // namespace tfmini::cuda

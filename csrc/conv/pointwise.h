// Convolutions of one tap and their gradients: products of matrices whose rows (NHWC) or columns (NCHW) are pixels.
#pragma once

#include "conv/geometry.h"

namespace tfmini::conv {

// Is the output made of the input's pixels, each alone; all of them, or some, a stride apart?
bool is_pointwise(const ConvGeometry& g);
bool is_strided_pointwise(const ConvGeometry& g);

// As the functions of conv.h, without an epilogue.
template <class T>
void pointwise_forward(const ConvGeometry& g, const T* input, const T* filter, T* output);
template <class T>
void pointwise_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
// Strided ones, too.
template <class T>
void pointwise_filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

}  // namespace tfmini::conv

// Depthwise convolution of float and double NHWC images on the CPU, and its gradients: filter
// [h.kernel, w.kernel, in_channels, multiplier], output channel c * multiplier + q.
#pragma once

#include "conv/geometry.h"

namespace tfmini::conv {

// Every element of the last argument is written. Bits do not depend on the number of threads.
template <class T>
void depthwise_forward(const ConvGeometry& g, const T* input, const T* filter, T* output);
template <class T>
void depthwise_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput);
template <class T>
void depthwise_filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter);

}  // namespace tfmini::conv

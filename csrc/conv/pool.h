// Pooling of images on the CPU, and its gradients, in any compute type.
//
// Two ways. Images of many channels are pooled pixel by pixel, all channels at once. Images of few are
// pooled row by row: first the rows of the windows together, then along the row that results; and so are
// NCHW images, whose channels are images of one channel each.
#pragma once

#include <cstdint>

#include "conv/geometry.h"

namespace tfmini::conv {

// Every element of the last argument is written. Bits do not depend on the number of threads.
template <class T>
void max_pool(const PoolGeometry& g, const T* input, T* output);
template <class T>
void avg_pool(const PoolGeometry& g, const T* input, T* output);
template <class T>
void avg_pool_grad(const PoolGeometry& g, const T* grad, T* dinput);

// The first maximum of a window gets its gradient, as in TensorFlow. It is found again, which costs less
// than to remember it.
template <class T>
void max_pool_grad(const PoolGeometry& g, const T* input, const T* grad, T* dinput);

// The first maximum of each window and channel: its value and its pixel in the image. NHWC only.
template <class T>
void find_maxima(const PoolGeometry& g, const T* input, T* best, int32_t* at);

}  // namespace tfmini::conv

// The input gradient of a convolution of images with few channels, where a register tile over
// channels would stay almost empty: each output pixel's products with the whole filter, in one
// product of matrices, are scattered to the inputs they belong to. Upsampling layers that end in an
// image (transposed convolutions to 1 or 3 channels) are made of this.
#pragma once

#include "conv/geometry.h"

namespace tfmini::conv {

// Is this faster than a correlation over channels?
template <class T>
bool scatter_wins(const ConvGeometry& g);

// As conv::input_grad.
template <class T>
void scatter_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput);

}  // namespace tfmini::conv

// The gradient of max pooling for images of few channels, row by row: the outputs of a row side by side.
#pragma once

#include "conv/geometry.h"

namespace tfmini::conv {

// As conv::max_pool_grad. NHWC only.
template <class T>
void max_grad_rows(const PoolGeometry& g, const T* input, const T* grad, T* dinput);

}  // namespace tfmini::conv

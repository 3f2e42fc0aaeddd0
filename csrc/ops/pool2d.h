// Where two-dimensional pooling finds its windows, for the CPU and CUDA kernels.
#pragma once

#include "ops/conv2d.h"

namespace tfmini {

// For an input of this shape, which may be partly unknown (-1). Throws unless windows fit.
PoolGeometry pool_geometry(const Window2D& window, const Shape& input);

}  // namespace tfmini

// Attributes of LRN, for the CPU and CUDA kernels.
#pragma once

#include "core/attrs.h"
#include "core/error.h"

namespace tfmini {

struct LrnParams {
  int64_t radius;
  double bias, alpha, beta;
  explicit LrnParams(const Attrs& attrs)
      : radius(attrs.integer("depth_radius")),
        bias(attrs.real("bias")),
        alpha(attrs.real("alpha")),
        beta(attrs.real("beta")) {
    check(radius >= 0, "depth_radius must not be negative, got ", radius);
  }
};

}  // namespace tfmini

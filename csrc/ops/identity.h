// What CheckNumerics says, for the CPU and CUDA kernels.
#pragma once

#include <string>

#include "core/error.h"

namespace tfmini {

inline void check_numerics(bool nan, bool infinity, const std::string& message) {
  check(!nan && !infinity, message, " : Tensor had ", nan && infinity ? "NaN and Inf" : nan ? "NaN" : "Inf", " values");
}

}  // namespace tfmini

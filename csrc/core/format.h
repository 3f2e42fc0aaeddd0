// Tensor values as text, for Print, Assert and messages.
#pragma once

#include <string>

#include "core/tensor.h"

namespace tfmini {

// "[1 2 3...]": the first `limit` elements (all if negative), nested by shape as TensorFlow prints.
std::string summarize(const Tensor& tensor, int64_t limit);

}  // namespace tfmini

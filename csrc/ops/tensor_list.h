// Lists of tensors, as values of dtype variant: what loops accumulate into.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace tfmini {

struct TensorList {
  DType dtype = DType::kInvalid;
  Shape element_shape = Shape::unknown();
  std::vector<Tensor> items;  // undefined: never set, reads as zeros
};

}  // namespace tfmini

// Lists of tensors, as values of dtype variant: what loops accumulate into. The list is an object of the host; its
// elements are where they were made.
#pragma once

#include <memory>
#include <vector>

#include "core/op.h"

namespace tfmini {

struct TensorList {
  using Ptr = std::shared_ptr<void>;  // what a scalar variant holds

  DType dtype = DType::kInvalid;
  Shape element_shape = Shape::unknown();
  std::vector<Tensor> items;  // undefined: never set, reads as zeros

  static const TensorList& of(const Tensor& t);
  static Tensor wrap(std::shared_ptr<TensorList> list);
  // What an op calls element_dtype is its own word for it, not the list's.
  void check_dtype(DType asked) const;
  // An element, on the device of the kernel; one that was never set reads as zeros of the shape the list or the caller
  // knows.
  Tensor element(const KernelContext& c, int64_t i, const Shape& hint) const;
};

// The shape of an element as ops are given it: a scalar (-1) stands for any.
Shape element_shape_from(const Tensor& t);
// The same of input i, as far as it is known.
Shape element_shape_hint(InferContext& c, int i);

}  // namespace tfmini

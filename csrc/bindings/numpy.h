// NumPy arrays in and out.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "core/tensor.h"

namespace tfmini {

namespace py = pybind11;

// The DType of a NumPy dtype; kInvalid if there is none.
DType dtype_from_numpy(PyObject* descr);
// The NumPy dtype of a DType, borrowed (object for strings); nullptr if there is none.
PyObject* numpy_descr(DType dtype);

// A tensor over the array's own memory when it is C-contiguous, aligned and in native byte order
// (the tensor then keeps the array alive); a copy otherwise. Strings are always copied.
Tensor tensor_from_numpy(py::handle array);
// A tensor that owns its memory.
Tensor copy_from_numpy(py::handle array);

// A fresh array that owns its data: small tensors are copied, larger ones hand over their buffer
// when nobody else refers to it.
py::object numpy_from_tensor(Tensor tensor);

// Registers ml_dtypes.bfloat16, once Python has imported it.
void set_bfloat16_descr(py::object dtype);

}  // namespace tfmini

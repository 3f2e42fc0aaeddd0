// Attribute values between Python and C++.
#pragma once

#include <pybind11/pybind11.h>

#include "core/op.h"

namespace tfmini {

namespace py = pybind11;

// Shapes are None (unknown rank) or sequences with None or -1 for unknown dimensions.
Shape shape_from_python(py::handle value);
py::object shape_to_python(const Shape& shape);

// Dtypes travel as TensorFlow's enum numbers, tensors as NumPy arrays, functions as Function.
AttrValue attr_from_python(const AttrDef& def, py::handle value);
py::object attr_to_python(const AttrValue& value);

}  // namespace tfmini

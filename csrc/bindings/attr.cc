#include "bindings/attr.h"

#include <pybind11/stl.h>

#include "bindings/numpy.h"
#include "graph/function.h"

namespace tfmini {

Shape shape_from_python(py::handle value) {
  if (value.is_none()) return Shape::unknown();
  Shape s;
  for (py::handle d : value) s.add_dim(d.is_none() ? Shape::kUnknownDim : d.cast<int64_t>());
  return s;
}

py::object shape_to_python(const Shape& shape) {
  if (!shape.known_rank()) return py::none();
  py::tuple dims(static_cast<size_t>(shape.rank()));
  for (int i = 0; i < shape.rank(); ++i)
    dims[static_cast<size_t>(i)] = shape[i] < 0 ? py::object(py::none()) : py::object(py::int_(shape[i]));
  return dims;
}

namespace {

std::string to_string(py::handle v) { return v.cast<std::string>(); }  // str or bytes
DType to_dtype(py::handle v) { return static_cast<DType>(v.cast<int>()); }
template <class T>
T to_plain(py::handle v) {
  return v.cast<T>();
}

template <class T>
std::vector<T> to_list(py::handle value, T (*convert)(py::handle)) {
  std::vector<T> out;
  for (py::handle item : value) out.push_back(convert(item));
  return out;
}

template <class T, class Convert>
py::list from_list(const std::vector<T>& values, Convert convert) {
  py::list out;
  for (const T& v : values) out.append(convert(v));
  return out;
}

}  // namespace

AttrValue attr_from_python(const AttrDef& def, py::handle v) {
  const std::string& t = def.type;
  try {
    if (t == "int") return v.cast<int64_t>();
    if (t == "float") return v.cast<float>();
    if (t == "bool") return v.cast<bool>();
    if (t == "string") return to_string(v);
    if (t == "type") return to_dtype(v);
    if (t == "shape") return shape_from_python(v);
    if (t == "tensor") return copy_from_numpy(v);
    if (t == "func") return v.cast<std::shared_ptr<Function>>();
    if (t == "list(int)") return to_list<int64_t>(v, to_plain);
    if (t == "list(float)") return to_list<float>(v, to_plain);
    if (t == "list(bool)") return to_list<bool>(v, to_plain);
    if (t == "list(string)") return to_list<std::string>(v, to_string);
    if (t == "list(type)") return to_list<DType>(v, to_dtype);
    if (t == "list(shape)") return to_list<Shape>(v, shape_from_python);
  } catch (const py::cast_error&) {
    throw TypeMismatch(
        detail::concat("attribute '", def.name, "' must be of type ", t, ", got ", py::repr(v).cast<std::string>()));
  }
  fail(Code::kUnimplemented, "attribute type ", t);
}

py::object attr_to_python(const AttrValue& value) {
  return std::visit(
      [](const auto& v) -> py::object {
        using T = std::decay_t<decltype(v)>;
        auto bytes = [](const std::string& s) { return py::bytes(s); };
        auto number = [](DType d) { return static_cast<int>(d); };
        if constexpr (std::is_same_v<T, std::monostate>)
          return py::none();
        else if constexpr (std::is_same_v<T, std::string>)
          return bytes(v);
        else if constexpr (std::is_same_v<T, DType>)
          return py::int_(number(v));
        else if constexpr (std::is_same_v<T, Shape>)
          return shape_to_python(v);
        else if constexpr (std::is_same_v<T, Tensor>)
          return numpy_from_tensor(v);
        else if constexpr (std::is_same_v<T, std::vector<DType>>)
          return from_list(v, number);
        else if constexpr (std::is_same_v<T, std::vector<Shape>>)
          return from_list(v, shape_to_python);
        else if constexpr (std::is_same_v<T, std::vector<std::string>>)
          return from_list(v, bytes);
        else
          return py::cast(v);
      },
      value);
}

}  // namespace tfmini

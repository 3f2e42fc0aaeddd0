#include "bindings/numpy.h"

#include <array>

namespace tfmini {
namespace {

using npy = py::detail::npy_api;

// NumPy dtypes and type numbers by DType; strings travel as object arrays.
struct DescrTable {
  std::array<PyObject*, 32> by_dtype{};
  std::array<DType, 64> by_num{};
  int bfloat16_num = -1;

  DescrTable() {
    auto add = [this](DType dtype, const char* name) {
      py::dtype d(name);
      by_num[static_cast<size_t>(d.num())] = dtype;
      by_dtype[static_cast<size_t>(dtype)] = d.release().ptr();
    };
    add(DType::kFloat, "float32");
    add(DType::kDouble, "float64");
    add(DType::kHalf, "float16");
    add(DType::kInt8, "int8");
    add(DType::kInt16, "int16");
    add(DType::kInt32, "int32");
    add(DType::kInt64, "int64");
    add(DType::kUInt8, "uint8");
    add(DType::kUInt16, "uint16");
    add(DType::kUInt32, "uint32");
    add(DType::kUInt64, "uint64");
    add(DType::kBool, "bool");
    add(DType::kComplex64, "complex64");
    add(DType::kComplex128, "complex128");
    by_dtype[static_cast<size_t>(DType::kString)] = py::dtype("O").release().ptr();
    by_dtype[static_cast<size_t>(DType::kBFloat16)] = by_dtype[static_cast<size_t>(DType::kUInt16)];
    // long and long long are types apart to NumPy, whatever their size.
    by_num[static_cast<size_t>(npy::NPY_LONGLONG_)] = DType::kInt64;
    by_num[static_cast<size_t>(npy::NPY_ULONGLONG_)] = DType::kUInt64;
    by_num[static_cast<size_t>(npy::NPY_LONG_)] = sizeof(long) == 8 ? DType::kInt64 : DType::kInt32;
    by_num[static_cast<size_t>(npy::NPY_ULONG_)] = sizeof(long) == 8 ? DType::kUInt64 : DType::kUInt32;
  }
};

DescrTable& table() {
  static auto* t = new DescrTable;  // holds Python references: never destroyed after the interpreter
  return *t;
}

// Keeps an array alive while a tensor looks into it.
class ArrayBuffer final : public Buffer {
 public:
  ArrayBuffer(PyObject* array, void* data, size_t bytes) : Buffer(data, bytes), array_(array) { Py_INCREF(array_); }
  ~ArrayBuffer() override {
    py::gil_scoped_acquire gil;
    Py_DECREF(array_);
  }

 private:
  PyObject* array_;
};

Shape shape_of(const py::array& a) {
  if (a.ndim() > Shape::kMaxRank)
    fail(Code::kUnimplemented, "arrays of rank ", a.ndim(), " are not supported (at most ", Shape::kMaxRank, ")");
  Shape s;
  for (py::ssize_t i = 0; i < a.ndim(); ++i) s.add_dim(a.shape(i));
  return s;
}

std::string to_bytes(py::handle item) {
  if (PyBytes_Check(item.ptr()))
    return std::string(PyBytes_AS_STRING(item.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(item.ptr())));
  if (PyUnicode_Check(item.ptr())) return item.cast<std::string>();
  throw py::type_error("a string tensor holds str or bytes, got " + std::string(Py_TYPE(item.ptr())->tp_name));
}

Tensor strings_from_numpy(const py::array& array) {
  Tensor t(DType::kString, shape_of(array));
  const py::object flat = array.attr("ravel")().attr("tolist")();
  std::string* out = t.data<std::string>();
  for (py::handle item : flat) *out++ = to_bytes(item);
  return t;
}

py::object strings_to_numpy(const Tensor& t) {
  const std::string* s = t.data<std::string>();
  if (t.rank() == 0) return py::bytes(*s);
  py::array out(py::dtype("O"), std::vector<py::ssize_t>(t.shape().begin(), t.shape().end()));
  auto** items = static_cast<PyObject**>(out.mutable_data());
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    Py_XDECREF(items[i]);
    items[i] = py::bytes(s[i]).release().ptr();
  }
  return out;
}

// C-contiguous, aligned, native byte order: its bytes are a tensor's bytes.
bool has_tensor_layout(const py::array& array) {
  const int flags = py::detail::array_proxy(array.ptr())->flags;
  return (flags & npy::NPY_ARRAY_C_CONTIGUOUS_) && (flags & npy::NPY_ARRAY_ALIGNED_) &&
         array.dtype().byteorder() != '>';
}

py::object new_array(PyObject* descr, const Tensor& tensor, void* data) {
  static_assert(sizeof(Py_intptr_t) == sizeof(int64_t));
  Py_INCREF(descr);  // NewFromDescr steals a reference
  const int flags = data ? npy::NPY_ARRAY_WRITEABLE_ | npy::NPY_ARRAY_ALIGNED_ | npy::NPY_ARRAY_C_CONTIGUOUS_ : 0;
  PyObject* out = npy::get().PyArray_NewFromDescr_(npy::get().PyArray_Type_, descr, tensor.rank(),
                                                   reinterpret_cast<const Py_intptr_t*>(tensor.shape().data()), nullptr,
                                                   data, flags, nullptr);
  if (!out) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(out);
}

}  // namespace

DType dtype_from_numpy(PyObject* descr) {
  const auto d = py::reinterpret_borrow<py::dtype>(descr);
  const int num = d.num();
  if (num == table().bfloat16_num) return DType::kBFloat16;
  if (const char kind = d.kind(); kind == 'O' || kind == 'S' || kind == 'U') return DType::kString;
  if (num < 0 || num >= static_cast<int>(table().by_num.size())) return DType::kInvalid;
  return table().by_num[static_cast<size_t>(num)];
}

PyObject* numpy_descr(DType dtype) { return table().by_dtype[static_cast<size_t>(dtype)]; }

void set_bfloat16_descr(py::object dtype) {
  table().bfloat16_num = py::reinterpret_borrow<py::dtype>(dtype).num();
  table().by_dtype[static_cast<size_t>(DType::kBFloat16)] = dtype.release().ptr();
}

Tensor tensor_from_numpy(py::handle handle) {
  auto array = py::reinterpret_borrow<py::array>(handle);
  const DType dtype = dtype_from_numpy(array.dtype().ptr());
  if (dtype == DType::kInvalid)
    throw py::type_error("arrays of dtype " + py::str(array.dtype()).cast<std::string>() + " have no tensor type");
  if (dtype == DType::kString) return strings_from_numpy(array);
  if (!has_tensor_layout(array)) {
    py::dict native;
    native["dtype"] = array.dtype().attr("newbyteorder")("=");
    native["order"] = "C";
    array = py::module_::import("numpy").attr("array")(array, **native);
  }
  void* data = const_cast<void*>(array.data());
  const auto bytes = static_cast<size_t>(array.nbytes());
  return Tensor(dtype, shape_of(array), BufferRef(new ArrayBuffer(array.ptr(), data, bytes)), data);
}

Tensor copy_from_numpy(py::handle array) {
  Tensor t = tensor_from_numpy(array);
  return t.dtype() == DType::kString ? t : t.clone();
}

py::object numpy_from_tensor(Tensor tensor) {
  if (tensor.dtype() == DType::kString) return strings_to_numpy(tensor);
  PyObject* descr = numpy_descr(tensor.dtype());
  if (!descr) throw py::type_error(std::string("tensors of type ") + dtype_name(tensor.dtype()) + " cannot be fetched");
  constexpr size_t kCopyBelow = 32 << 10;  // owning a buffer through a capsule costs about as much as copying this
  const size_t bytes = tensor.bytes();
  const bool sole_owner = tensor.buffer() && tensor.buffer()->unique();
  if (bytes < kCopyBelow || !sole_owner) {
    py::object out = new_array(descr, tensor, nullptr);
    if (bytes) std::memcpy(py::detail::array_proxy(out.ptr())->data, tensor.raw(), bytes);
    return out;
  }
  py::object out = new_array(descr, tensor, tensor.raw());
  py::capsule base(new Tensor(std::move(tensor)), [](void* p) { delete static_cast<Tensor*>(p); });
  npy::get().PyArray_SetBaseObject_(out.ptr(), base.release().ptr());
  return out;
}

}  // namespace tfmini

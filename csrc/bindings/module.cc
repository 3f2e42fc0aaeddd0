// The extension module tfmini._core.
#include "bindings/module.h"

#include "bindings/numpy.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "core/registry.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

// _core.StatusError(code, message, node, is_type_error): python/tfmini/errors.py makes the
// TensorFlow exception of it.
PyObject* status_error = nullptr;

void translate(std::exception_ptr p) {
  try {
    if (p) std::rethrow_exception(p);
  } catch (const Error& e) {
    const bool type_error = dynamic_cast<const TypeMismatch*>(&e) != nullptr;
    // Messages may quote arbitrary bytes (file names, string tensors).
    const auto size = static_cast<Py_ssize_t>(e.message().size());
    const auto text =
        py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(e.message().data(), size, "backslashreplace"));
    PyErr_SetObject(status_error, py::make_tuple(static_cast<int>(e.code()), text, e.node(), type_error).ptr());
  } catch (const std::bad_alloc&) {
    PyErr_SetObject(status_error,
                    py::make_tuple(static_cast<int>(Code::kResourceExhausted), "out of memory", "", false).ptr());
  }
}

bool set_isa_by_name(const std::string& name) {
  for (Isa isa : {Isa::kBase, Isa::kAVX2, Isa::kAVX512})
    if (name == isa_name(isa)) return set_isa(isa);
  throw py::value_error("ISA must be base, avx2 or avx512");
}

}  // namespace
}  // namespace tfmini

PYBIND11_MODULE(_core, m) {
  using namespace tfmini;
  m.doc() = "tfmini's runtime: graphs, plans, kernels.";
  status_error = PyErr_NewException("tfmini._core.StatusError", PyExc_Exception, nullptr);
  m.attr("StatusError") = py::reinterpret_borrow<py::object>(status_error);
  py::register_exception_translator(&translate);
  Registry::get();  // a family that is registered wrongly fails the import
  bind_device_arrays(m);
  bind_devices(m);
  bind_graph(m);
  bind_host_kernels(m);
  bind_session(m);
  m.def("isa", [] { return isa_name(best_isa()); });
  m.def("set_isa", &set_isa_by_name,
        "Makes kernels use this instruction set (for tests); False if the processor lacks it.");
  m.def("set_bfloat16", &set_bfloat16_descr);
  m.def("crc32c", [](const py::bytes& data) {
    const std::string_view view = data;
    return crc32c(view.data(), view.size());
  });
}

// Kernels written in Python: see python/tfmini/host_ops.py.
#include "bindings/attr.h"
#include "bindings/module.h"
#include "bindings/numpy.h"
#include "core/registry.h"

namespace tfmini {
namespace {

// A Python object that may be released without the GIL held.
struct Function {
  py::object fn, attrs;
  ~Function() {
    const py::gil_scoped_acquire gil;
    fn = py::object();
    attrs = py::object();
  }
};

// tf.errors keep their class and message; other exceptions become what tf.py_func makes of them, with their own text.
[[noreturn]] void rethrow(const py::error_already_set& e) {
  const py::object& value = e.value();
  if (py::hasattr(value, "error_code") && py::hasattr(value, "message"))
    fail(static_cast<Code>(value.attr("error_code").cast<int>()), py::str(value.attr("message")).cast<std::string>());
  Code code = Code::kUnknown;
  if (e.matches(PyExc_ValueError) || e.matches(PyExc_TypeError)) code = Code::kInvalidArgument;
  if (e.matches(PyExc_StopIteration)) code = Code::kOutOfRange;
  if (e.matches(PyExc_MemoryError)) code = Code::kResourceExhausted;
  if (e.matches(PyExc_NotImplementedError)) code = Code::kUnimplemented;
  fail(code, py::str(e.type().attr("__name__")).cast<std::string>(), ": ", py::str(value).cast<std::string>());
}

void call(const void* state, KernelContext& c) {
  const auto& f = *static_cast<const Function*>(state);
  const py::gil_scoped_acquire gil;
  try {
    py::tuple args(static_cast<size_t>(c.num_inputs()) + 1);
    args[0] = f.attrs;
    for (int i = 0; i < c.num_inputs(); ++i) args[static_cast<size_t>(i) + 1] = numpy_from_tensor(c.input(i));
    py::object result = f.fn(*args);
    if (c.num_outputs() == 0) return;
    if (!py::isinstance<py::list>(result) && !py::isinstance<py::tuple>(result)) result = py::make_tuple(result);
    check(static_cast<int>(py::len(result)) == c.num_outputs(), "the Python function returned ", py::len(result),
          " values for ", c.num_outputs(), " outputs");
    const py::object asarray = py::module_::import("numpy").attr("asarray");
    int i = 0;
    for (py::handle value : result) {
      const DType want = c.output_dtype(i);
      Tensor t = copy_from_numpy(want == DType::kString ? asarray(value, py::dtype("O")) : asarray(value));
      check(t.dtype() == want, "the Python function returned ", dtype_name(t.dtype()), " for output ", i,
            ", which was declared as ", dtype_name(want));
      c.set_output(i++, std::move(t));
    }
  } catch (const py::error_already_set& e) {
    rethrow(e);
  }
}

void register_host_kernel(const std::string& op, py::object fn) {
  // The registry outlives the interpreter: the function is leaked on purpose.
  PyObject* leaked = fn.release().ptr();
  Registry::get().add(op, DeviceKind::kCPU, DType::kInvalid, [leaked](const Attrs& attrs) {
    const py::gil_scoped_acquire gil;
    py::dict values;
    for (const auto& [name, value] : attrs) values[py::str(name)] = attr_to_python(value);
    auto state = std::make_shared<Function>(Function{py::reinterpret_borrow<py::object>(leaked), values});
    return Kernel{call, std::move(state)};
  });
}

}  // namespace

void bind_host_kernels(py::module_& m) { m.def("register_host_kernel", &register_host_kernel); }

}  // namespace tfmini

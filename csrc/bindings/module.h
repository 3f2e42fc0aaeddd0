// The parts of the extension module, one function per file.
#pragma once

#include <pybind11/pybind11.h>

namespace tfmini {

namespace py = pybind11;

void bind_device_arrays(py::module_& m);
void bind_devices(py::module_& m);
void bind_graph(py::module_& m);
void bind_host_kernels(py::module_& m);
void bind_session(py::module_& m);

}  // namespace tfmini

#include "bindings/module.h"
namespace tfmini {
void bind_session(py::module_&) {}
}  // namespace tfmini

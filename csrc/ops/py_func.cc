// PyFunc: calls back into Python. The kernel comes from python/tfmini/ops/py_func.py.
#include "core/registry.h"

namespace tfmini {

void register_py_func(Registry& r) {
  for (const char* name : {"PyFunc", "PyFuncStateless"}) {
    OpBuilder op = r.op(name);
    op.input("input: Tin")
        .output("output: Tout")
        .attr("token: string")
        .attr("Tin: list(type) >= 0")
        .attr("Tout: list(type) >= 0")
        .shape(shapes::unknown)
        .dynamic_output();
    if (std::string_view(name) == "PyFunc") op.stateful();
  }
}

}  // namespace tfmini

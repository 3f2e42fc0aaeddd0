#include "bindings/session_options.h"

#include "core/devices.h"

namespace tfmini {

namespace py = pybind11;

SessionOptions session_options(const py::dict& from) {
  const auto flag = [&](const char* key) { return from[key].cast<bool>(); };
  SessionOptions options;
  options.threads = from["threads"].cast<int>();
  options.memory_fraction = from["memory_fraction"].cast<double>();
  options.reserve_memory = flag("reserve_memory");
  PassOptions& passes = options.passes;
  passes.fold = flag("fold");
  passes.cse = flag("cse");
  passes.fuse = flag("fuse");
  passes.soft_placement = flag("soft_placement");
  passes.log_placement = flag("log_placement");
  passes.record = flag("record");
  passes.synchronous = flag("synchronous");
  for (const Device* gpu : visible_gpus(from["visible_gpus"].cast<std::string>(), from["max_gpus"].cast<int>()))
    passes.gpus.push_back(gpu->ordinal());
  return options;
}

}  // namespace tfmini

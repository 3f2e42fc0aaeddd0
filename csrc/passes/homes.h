// Where the variables of a session live. A variable is met by many plans (its initializer, a training step, a
// checkpoint), so the whole graph decides: it lives on a GPU if every op that uses it by reference can run there.
#pragma once

#include <map>
#include <set>
#include <string>

#include "passes/ir.h"

namespace tfmini {

class VariableHomes {
 public:
  explicit VariableHomes(const Graph& graph) : graph_(graph) {}
  // A Device::ordinal(), decided at the first call for good. Throws InvalidArgumentError if the program asked for a
  // device that cannot hold this variable.
  uint8_t find(const std::string& variable, const PassOptions& options);

 private:
  struct Uses {
    std::string node, device;  // of its VariableV2
    DType dtype = DType::kInvalid;
    bool is_scalar = false;
    std::string not_on_gpu;  // what keeps it from a GPU: "ApplyFoo 'node'"
  };
  void scan(const Graph& graph, std::set<const Graph*>& seen);

  const Graph& graph_;
  std::map<std::string, Uses> uses_;  // as of the last scan
  std::map<std::string, uint8_t> homes_;
};

// A device name read as what place() needs of it.
struct DeviceRequest {
  enum Kind : uint8_t { kAny, kCpu, kGpu } kind = kAny;
  int index = 0;
};
DeviceRequest parse_device(const std::string& name);
// The ordinal of /gpu:index; 0 if there is no such GPU.
uint8_t gpu_ordinal(const PassOptions& options, int index);
// "there is no /device:GPU:1: ..." with the reason.
std::string missing_gpu(const PassOptions& options, int index);

}  // namespace tfmini

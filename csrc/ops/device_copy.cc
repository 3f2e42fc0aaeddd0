// Copies between devices, inserted by passes/device_copies.cc.
#include "core/devices.h"
#include "core/registry.h"

namespace tfmini {
namespace {

// Into memory that the device writes directly. Unless it waits, the value is there once the device is synchronised,
// which the executor sees to before a run ends.
class CopyToHost {
 public:
  explicit CopyToHost(const Attrs& attrs) : wait_(attrs.flag("wait")) {}
  void operator()(KernelContext& c) const {
    const Tensor& from = c.input(0);
    Device& device = device_at(from.device());
    BufferRef memory = device.allocate_host(from.bytes());
    if (from.bytes()) device.copy_to_host(memory->data(), from.raw(), from.bytes());
    if (wait_) device.synchronize();
    void* data = memory->data();
    c.set_output(0, Tensor(from.dtype(), from.shape(), std::move(memory), data));
  }

 private:
  bool wait_;
};

void copy_to_device(KernelContext& c) { copy_elements(c.input(0), c.output(0)); }

}  // namespace

void register_device_copy(Registry& r) {
  r.op("_CopyToHost")
      .input("input: T")
      .output("output: T")
      .attr("T: type")
      .attr("wait: bool = true")
      .shape(shapes::unchanged)
      .dynamic_output();
  r.kernel<CopyToHost>("_CopyToHost", DeviceKind::kCPU, DType::kInvalid);
  r.op("_CopyToDevice")
      .input("input: T")
      .output("output: T")
      .attr("T: type")
      .attr("wait: bool = true")
      .shape(shapes::unchanged);
  r.kernel("_CopyToDevice", DeviceKind::kCUDA, DType::kInvalid, copy_to_device);
}

}  // namespace tfmini

#include "core/op.h"
#include "core/registry.h"

namespace tfmini {

Tensor& KernelContext::allocate_output(int i, const Shape& shape) const {
  return output(i) = Tensor(*call_.device, call_.output_dtypes[i], shape);
}

Tensor KernelContext::take_input(int i) const {
  Tensor t = take_or_share(i);
  return t.buffer() ? t : t.clone();
}

Tensor KernelContext::take_or_share(int i) const {
  Tensor& slot = call_.slots[call_.inputs[i]];
  if (call_.owned_inputs >> i & 1) return std::exchange(slot, Tensor());
  return slot;
}

RunEnv& KernelContext::env() const {
  if (!call_.env) fail(Code::kInternal, "this kernel needs a session");
  return *call_.env;
}

std::vector<Tensor> call_kernel(const Kernel& kernel, const std::vector<Tensor>& inputs,
                                const std::vector<DType>& output_dtypes, const std::vector<Shape>& output_shapes,
                                bool dynamic_output) {
  const int num_inputs = static_cast<int>(inputs.size());
  const int num_outputs = static_cast<int>(output_dtypes.size());
  std::vector<Tensor> slots = inputs;
  std::vector<int32_t> ids(slots.size() + output_dtypes.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  for (int i = 0; i < num_outputs; ++i)
    slots.push_back(dynamic_output ? Tensor() : Tensor(output_dtypes[i], output_shapes[i]));
  KernelContext::Call call;
  call.slots = slots.data();
  call.inputs = ids.data();
  call.outputs = ids.data() + num_inputs;
  call.output_dtypes = output_dtypes.data();
  call.num_inputs = num_inputs;
  call.num_outputs = num_outputs;
  call.device = &cpu_device();
  KernelContext context(call);
  kernel(context);
  return {slots.begin() + num_inputs, slots.end()};
}

}  // namespace tfmini

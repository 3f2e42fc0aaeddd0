#include "core/registry.h"

#include <algorithm>

namespace tfmini {

#define FAMILY(name) void register_##name(Registry&);
#include "ops/families.def"
#undef FAMILY
#if defined(TFMINI_WITH_CUDA)
#define FAMILY(name) void register_##name##_cuda(Registry&);
#include "../cuda/ops/families.def"
#undef FAMILY
#endif

namespace {

std::string kernel_key(std::string_view op, DeviceKind device, DType dtype) {
  std::string key(op);
  key += '|';
  key += static_cast<char>('0' + static_cast<int>(device));
  key += static_cast<char>('A' + static_cast<int>(dtype));
  return key;
}

void register_all(Registry& r) {
#define FAMILY(name) register_##name(r);
#include "ops/families.def"
#undef FAMILY
#if defined(TFMINI_WITH_CUDA)
#define FAMILY(name) register_##name##_cuda(r);
#include "../cuda/ops/families.def"
#undef FAMILY
#endif
}

}  // namespace

Registry& Registry::get() {
  // Never destroyed: worker threads may still run kernels while the process exits.
  static Registry* registry = [] {
    auto* r = new Registry;
    register_all(*r);
    return r;
  }();
  return *registry;
}

OpBuilder Registry::op(std::string_view name) {
  auto def = std::make_unique<OpDef>();
  def->name = name;
  auto [it, added] = ops_.emplace(std::string(name), std::move(def));
  if (!added) fail(Code::kAlreadyExists, "op ", name, " is registered twice");
  return OpBuilder(*it->second);
}

const OpDef* Registry::lookup(std::string_view name) const {
  auto it = ops_.find(std::string(name));
  return it == ops_.end() ? nullptr : it->second.get();
}

const OpDef& Registry::find(std::string_view name) const {
  if (const OpDef* def = lookup(name)) return *def;
  fail(Code::kNotFound, "op type '", name, "' is not known to tfmini");
}

std::vector<const OpDef*> Registry::all() const {
  std::vector<const OpDef*> out;
  for (const auto& [name, def] : ops_) out.push_back(def.get());
  std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return a->name < b->name; });
  return out;
}

void Registry::kernel(std::string_view op, DeviceKind device, DType dtype, void (*fn)(KernelContext&)) {
  add(op, device, dtype, [fn](const Attrs&) {
    // The function pointer itself is the state; nothing is owned.
    return Kernel{
        [](const void* f, KernelContext& c) { reinterpret_cast<void (*)(KernelContext&)>(const_cast<void*>(f))(c); },
        std::shared_ptr<const void>(std::shared_ptr<void>(), reinterpret_cast<const void*>(fn))};
  });
}

void Registry::add(std::string_view op, DeviceKind device, DType dtype, KernelFactory factory) {
  auto it = ops_.find(std::string(op));
  if (it == ops_.end()) fail(Code::kNotFound, "kernel for unregistered op ", op);
  if (dtype != DType::kInvalid && it->second->kernel_attr.empty())
    fail(Code::kInternal, "op ", op, " has kernels per dtype but no kernel_attr");
  if (!kernels_.emplace(kernel_key(op, device, dtype), std::move(factory)).second)
    fail(Code::kAlreadyExists, "kernel of ", op, " for ", dtype_name(dtype), " is registered twice");
}

const KernelFactory* Registry::find_kernel(const OpDef& op, DeviceKind device, const Attrs& attrs) const {
  if (!op.kernel_attr.empty()) {
    auto it = kernels_.find(kernel_key(op.name, device, attrs.dtype(op.kernel_attr)));
    if (it != kernels_.end()) return &it->second;
  }
  auto it = kernels_.find(kernel_key(op.name, device, DType::kInvalid));
  return it == kernels_.end() ? nullptr : &it->second;
}

std::vector<DType> Registry::kernel_dtypes(std::string_view op, DeviceKind device) const {
  std::vector<DType> out;
  for (int d = 0; d <= static_cast<int>(DType::kUInt64); ++d)
    if (kernels_.count(kernel_key(op, device, static_cast<DType>(d)))) out.push_back(static_cast<DType>(d));
  return out;
}

}  // namespace tfmini

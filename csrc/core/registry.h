// The table of ops and kernels. Filled once, at load, by the register_<family>() functions listed
// in ops/families.def; read-only afterwards.
//
// A kernel is a function `void softmax(KernelContext&)`, or, if it has attributes to parse, a class
// constructed once per planned node from its Attrs and called through a const operator():
//
//   r.kernel("Softmax", DeviceKind::kCPU, softmax<float>, softmax<double>);   // via KernelFor, below
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "core/op.h"

namespace tfmini {

// A kernel bound to one node's attributes.
struct Kernel {
  void (*call)(const void* state, KernelContext& c) = nullptr;
  std::shared_ptr<const void> state;
  explicit operator bool() const { return call != nullptr; }
  void operator()(KernelContext& c) const { call(state.get(), c); }
};

using KernelFactory = std::function<Kernel(const Attrs&)>;

class Registry {
 public:
  static Registry& get();

  OpBuilder op(std::string_view name);
  // Throws NotFoundError naming close matches.
  const OpDef& find(std::string_view name) const;
  const OpDef* lookup(std::string_view name) const;
  std::vector<const OpDef*> all() const;

  // A plain function, for one dtype of the op's kernel attribute (kInvalid: whatever dtype).
  void kernel(std::string_view op, DeviceKind device, DType dtype, void (*fn)(KernelContext&));
  // A class with constructor K(const Attrs&) and `void operator()(KernelContext&) const`.
  template <class K>
  void kernel(std::string_view op, DeviceKind device, DType dtype) {
    add(op, device, dtype, [](const Attrs& attrs) {
      return Kernel{[](const void* k, KernelContext& c) { (*static_cast<const K*>(k))(c); },
                    std::make_shared<const K>(attrs)};
    });
  }
  // Class template K<T> for every T of a TypeList: r.kernels<Cumsum>("Cumsum", kCPU, NumberTypes{}).
  template <template <class> class K, class... Ts>
  void kernels(std::string_view op, DeviceKind device, TypeList<Ts...>) {
    (add_class_or_function<K<Ts>>(op, device, dtype_of<Ts>), ...);
  }
  void add(std::string_view op, DeviceKind device, DType dtype, KernelFactory factory);

  // nullptr if there is none. Looks for the dtype of the op's kernel attribute, then for kInvalid.
  const KernelFactory* find_kernel(const OpDef& op, DeviceKind device, const Attrs& attrs) const;
  // dtypes with a kernel on this device, for error messages and tables.
  std::vector<DType> kernel_dtypes(std::string_view op, DeviceKind device) const;

 private:
  // K may be a class built from Attrs, or a stateless struct with `static void run(KernelContext&)`.
  template <class K>
  void add_class_or_function(std::string_view op, DeviceKind device, DType dtype) {
    if constexpr (std::is_constructible_v<K, const Attrs&>)
      kernel<K>(op, device, dtype);
    else
      kernel(op, device, dtype, &K::run);
  }

  std::unordered_map<std::string, std::unique_ptr<OpDef>> ops_;
  std::unordered_map<std::string, KernelFactory> kernels_;
};

}  // namespace tfmini

// A check for tests: while it is on, every CPU kernel that runs has its CUDA counterpart run on the same inputs first,
// on /gpu:0, and an error is raised where the two disagree.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>

#include "core/devices.h"
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "runtime/variables.h"

namespace tfmini::cuda {
namespace {

std::atomic<bool> checking{false};
std::mutex mutex;
std::map<std::string, int64_t> counts;  // checks per op; under `mutex`

Tensor to_device(const Tensor& host) {
  Tensor t(device(0), host.dtype(), host.shape());
  device(0).copy_from_host(t.raw(), host.raw(), host.bytes());
  return t;
}
Tensor to_host(const Tensor& t) {
  Tensor host(t.dtype(), t.shape());
  device(0).copy_to_host(host.raw(), t.raw(), host.bytes());
  return host;
}

// How far apart rounding may take two ways to compute something, relative to the largest value there is.
double tolerance(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return 2e-5;
    case DType::kDouble:
      return 1e-11;
    case DType::kHalf:
      return 4e-3;
    case DType::kBFloat16:
      return 3e-2;
    default:
      return 0;
  }
}

// Below this, differences count as they are: what is left where terms cancel is rounding alone.
constexpr double kSmall = 1e-2;

void compare(const std::string& what, const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || !(got.shape() == want.shape()))
    fail(Code::kInternal, what, " has shape ", got.shape(), " on the GPU, ", want.shape(), " on the CPU");
  const auto check_all = [&]<class T>(std::type_identity<T>) {
    const int64_t n = got.num_elements();
    const T *a = got.data<T>(), *b = want.data<T>();
    double largest = 0;
    for (int64_t i = 0; i < n; ++i)
      if (const double v = std::abs(static_cast<double>(b[i])); std::isfinite(v)) largest = std::max(largest, v);
    for (int64_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      const bool same = x == y || (std::isnan(x) && std::isnan(y)) ||
                        std::abs(x - y) <= tolerance(got.dtype()) * std::max(largest, kSmall);
      if (!same) fail(Code::kInternal, what, "[", i, "] is ", x, " on the GPU, ", y, " on the CPU");
    }
  };
  const auto with = [&]<class... Ts>(TypeList<Ts...>) {
    ((dtype_of<Ts> == got.dtype() ? check_all(std::type_identity<Ts>{}) : void()), ...);
  };
  with(PodTypes{});
}

// Gives the CUDA kernel copies of the variables, and states of its own.
class ParityEnv final : public RunEnv {
 public:
  ParityEnv(KernelContext& host, std::map<const void*, std::unique_ptr<SessionState>>& states)
      : host_(host), states_(states) {}

  Variable& variable(const void*, int input) override {
    Variable& real = host_.variable(input);
    auto& copy = copies_[&real];
    if (!copy) {
      copy = std::make_unique<Variable>(real.name(), real.dtype(), real.shape());
      if (real.initialized()) copy->assign(to_device(real.read()));
    }
    return *copy;
  }
  SessionState& session_state(const void* instr, std::unique_ptr<SessionState> (*make)(const void*),
                              const void* arg) override {
    auto& state = states_[instr];
    if (!state) state = make(arg);
    return *state;
  }
  const std::string& node_name(const void*) const override { return host_.node_name(); }

  void compare_variables(const std::string& op) const {
    for (const auto& [real, copy] : copies_)
      if (real->initialized()) compare(op + ": variable '" + real->name() + "'", to_host(copy->read()), real->read());
  }

 private:
  KernelContext& host_;
  std::map<const void*, std::unique_ptr<SessionState>>& states_;
  std::map<Variable*, std::unique_ptr<Variable>> copies_;
};

class ParityKernel {
 public:
  ParityKernel(const OpDef& def, const Attrs& attrs, Kernel cpu, Kernel gpu)
      : def_(def), cpu_(std::move(cpu)), gpu_(std::move(gpu)) {
    for (size_t k = 0; k < def.inputs.size(); ++k) {
      const ArgDef& arg = def.inputs[k];
      size_t count = 1;
      if (!arg.number_attr.empty()) count = static_cast<size_t>(attrs.integer(arg.number_attr));
      if (!arg.type_list_attr.empty()) count = attrs.get<std::vector<DType>>(arg.type_list_attr).size();
      const auto& host = def.host_inputs;
      on_host_.insert(on_host_.end(), count, std::find(host.begin(), host.end(), static_cast<int>(k)) != host.end());
    }
  }

  void operator()(KernelContext& c) const {
    if (!checking || !plain(c)) return cpu_(c);
    ParityEnv env(c, states_);
    const std::vector<Tensor> got = run(c, env, -1, 0);
    std::vector<std::pair<int, Tensor>> in_place;
    for (const auto& [in, out] : def_.in_place)
      if (in < c.num_inputs() && out < c.num_outputs() && !def_.stateful &&
          c.input(in).dtype() == c.output_dtype(out) && c.input(in).num_elements() == c.output(out).num_elements())
        in_place.emplace_back(out, run(c, env, in, out)[static_cast<size_t>(out)]);
    cpu_(c);
    for (size_t i = 0; i < got.size(); ++i)
      if (got[i].defined())
        compare(detail::concat(def_.name, ": output ", i), to_host(got[i]), c.output(static_cast<int>(i)));
    for (const auto& [out, t] : in_place)
      compare(detail::concat(def_.name, ": output ", out, ", in place,"), to_host(t), c.output(out));
    env.compare_variables(def_.name);
    std::lock_guard lock(mutex);
    ++counts[def_.name];
  }

 private:
  // Strings and resources stay on the host.
  static bool plain(KernelContext& c) {
    for (int i = 0; i < c.num_inputs(); ++i)
      if (c.input(i).defined() && !is_pod(c.input(i).dtype())) return false;
    for (int i = 0; i < c.num_outputs(); ++i)
      if (!is_pod(c.output_dtype(i))) return false;
    return true;
  }

  // The outputs of the CUDA kernel; output `out` over input `in`, if that is not -1.
  std::vector<Tensor> run(KernelContext& c, ParityEnv& env, int in, int out) const {
    std::vector<Tensor> slots;
    std::vector<DType> dtypes;
    for (int i = 0; i < c.num_inputs(); ++i) {
      const bool host = on_host_[static_cast<size_t>(i)];
      const Tensor& t = c.input(i);
      slots.push_back(host || !t.defined() || !is_pod(t.dtype()) || !t.raw() ? t : to_device(t));
    }
    for (int i = 0; i < c.num_outputs(); ++i) {
      const Tensor& t = c.output(i);
      dtypes.push_back(c.output_dtype(i));
      if (in >= 0 && i == out)
        slots.push_back(slots[static_cast<size_t>(in)].reshaped(t.shape()));
      else
        slots.push_back(def_.dynamic_output || !t.defined() ? Tensor() : Tensor(device(0), t.dtype(), t.shape()));
    }
    std::vector<int32_t> ids(slots.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
    KernelContext::Call call;
    call.slots = slots.data();
    call.inputs = ids.data();
    call.outputs = ids.data() + c.num_inputs();
    call.output_dtypes = dtypes.data();
    call.num_inputs = c.num_inputs();
    call.num_outputs = c.num_outputs();
    call.device = &device(0);
    call.env = &env;
    call.instr = c.instr();
    KernelContext context(call);
    gpu_(context);
    device(0).synchronize();
    return {slots.begin() + c.num_inputs(), slots.end()};
  }

  const OpDef& def_;
  Kernel cpu_, gpu_;
  std::vector<bool> on_host_;  // per input
  mutable std::map<const void*, std::unique_ptr<SessionState>> states_;
};

}  // namespace

void check_parity(bool on) { checking = on; }

Kernel with_parity_check(const OpDef& op, const Attrs& attrs, Kernel cpu) {
  // Without seeds of their own the two would draw different numbers.
  const bool unseeded =
      attrs.has("seed") && attrs.has("seed2") && attrs.integer("seed") == 0 && attrs.integer("seed2") == 0;
  if (!checking || unseeded) return cpu;
  const KernelFactory* gpu = Registry::get().find_kernel(op, DeviceKind::kCUDA, attrs);
  if (!gpu) return cpu;
  return Kernel{[](const void* k, KernelContext& c) { (*static_cast<const ParityKernel*>(k))(c); },
                std::make_shared<const ParityKernel>(op, attrs, std::move(cpu), (*gpu)(attrs))};
}

std::vector<std::pair<std::string, int64_t>> parity_counts() {
  std::lock_guard lock(mutex);
  return {counts.begin(), counts.end()};
}

}  // namespace tfmini::cuda

// What dense and sparse optimizer ops share: their declarations, and their scalar inputs.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "core/registry.h"
#include "runtime/variables.h"
#include "simd/training.h"

namespace tfmini {

// How the optimizer takes a gradient of some rows only.
enum class SparseKind {
  kNone,
  kRows,         // "SparseApply<name>": updates the rows that the gradient names, for each time it names them
  kPrivateRows,  // "_SparseApply<name>": the same, where TensorFlow has no such op
  kDecay,        // "_SparseApply<name>": updates all rows; the gradient is 0 where it names none, else a row's sum
};

struct Optimizer {
  const char* name;  // of the op, after "Apply" or "SparseApply"
  simd::Rule rule;
  const char* states;  // the variable and its slots
  const char* inputs;  // the rest, in order; "*x" is the gradient
  const char* flag;    // an attribute that the rule takes as its last parameter, or nullptr
  SparseKind sparse;
};

inline constexpr Optimizer kOptimizers[] = {
    {"GradientDescent", simd::Rule::kGradientDescent, "var", "alpha *delta", nullptr, SparseKind::kPrivateRows},
    {"Momentum", simd::Rule::kMomentum, "var accum", "lr *grad momentum", "use_nesterov: bool = false",
     SparseKind::kRows},
    {"Adagrad", simd::Rule::kAdagrad, "var accum", "lr *grad", "update_slots: bool = true", SparseKind::kRows},
    {"AdagradV2", simd::Rule::kAdagradV2, "var accum", "lr epsilon *grad", "update_slots: bool = true",
     SparseKind::kRows},
    {"RMSProp", simd::Rule::kRMSProp, "var ms mom", "lr rho momentum epsilon *grad", nullptr, SparseKind::kRows},
    {"CenteredRMSProp", simd::Rule::kCenteredRMSProp, "var mg ms mom", "lr rho momentum epsilon *grad", nullptr,
     SparseKind::kRows},
    {"Adam", simd::Rule::kAdam, "var m v", "beta1_power beta2_power lr beta1 beta2 epsilon *grad",
     "use_nesterov: bool = false", SparseKind::kDecay},
    {"AdaMax", simd::Rule::kAdaMax, "var m v", "beta1_power lr beta1 beta2 epsilon *grad", nullptr, SparseKind::kNone},
    {"Adadelta", simd::Rule::kAdadelta, "var accum accum_update", "lr rho epsilon *grad", nullptr, SparseKind::kRows},
    {"Ftrl", simd::Rule::kFtrl, "var accum linear", "*grad lr l1 l2 lr_power", "multiply_linear_by_lr: bool = false",
     SparseKind::kRows},
    {"FtrlV2", simd::Rule::kFtrlV2, "var accum linear", "*grad lr l1 l2 l2_shrinkage lr_power",
     "multiply_linear_by_lr: bool = false", SparseKind::kRows},
    {"ProximalGradientDescent", simd::Rule::kProximalGradientDescent, "var", "alpha l1 l2 *delta", nullptr,
     SparseKind::kRows},
    {"ProximalAdagrad", simd::Rule::kProximalAdagrad, "var accum", "lr l1 l2 *grad", nullptr, SparseKind::kRows},
    {"AdagradDA", simd::Rule::kAdagradDA, "var gradient_accumulator gradient_squared_accumulator",
     "*grad lr l1 l2 global_step", nullptr, SparseKind::kRows},
    {"PowerSign", simd::Rule::kPowerSign, "var m", "lr logbase sign_decay beta *grad", nullptr, SparseKind::kNone},
    {"AddSign", simd::Rule::kAddSign, "var m", "lr alpha sign_decay beta *grad", nullptr, SparseKind::kNone},
};

// The forms of an optimizer's op: for a dense gradient, for a sparse one, and for the dense ones of N variables at
// once, where each input of the first form is a list.
enum class Form { kDense, kSparse, kGrouped };
// Declares one; returns its name.
std::string declare_optimizer(Registry& r, const Optimizer& optimizer, Form form);
// Locks the first `n` inputs' variables.
VariableUpdate update_variables(const KernelContext& c, int n);

template <class T>
const auto& update_functions() {
  const simd::TrainingTable& table = simd::training_table();
  if constexpr (std::is_same_v<T, float>)
    return table.f32;
  else if constexpr (std::is_same_v<T, double>)
    return table.f64;
  else if constexpr (std::is_same_v<T, Half>)
    return table.f16;
  else
    return table.bf16;
}

// An optimizer op's node: where its inputs are, and its rule. `member` is one of the variables of the grouped form.
template <class T>
class OptimizerNode {
 public:
  using C = ComputeType<T>;
  static constexpr int kMaxStates = 4, kMaxParams = 8;

  OptimizerNode(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs)
      : rule_(optimizer.rule), count_(attrs.has("N") ? static_cast<int>(attrs.integer("N")) : 1) {
    for (int i = 0; i < static_cast<int>(def.inputs.size()); ++i) {
      const ArgDef& arg = def.inputs[static_cast<size_t>(i)];
      if (arg.is_ref)
        ++num_states_;
      else if (arg.name == "grad" || arg.name == "delta")
        gradient_ = i;
      else if (arg.name == "indices")
        indices_ = i;
      else
        scalars_.push_back(i);
    }
    if (optimizer.flag) {
      const std::string_view flag = optimizer.flag;
      flag_ = attrs.flag(flag.substr(0, flag.find(':'))) ? C(1) : C(0);
    }
  }

  int count() const { return count_; }
  int input(int arg, int member) const { return arg * count_ + member; }
  int num_states() const { return num_states_; }
  int indices() const { return indices_; }
  const Tensor& gradient(const KernelContext& c, int member = 0) const { return c.input(input(gradient_, member)); }
  simd::Rule rule() const { return rule_; }
  const std::vector<int>& scalars() const { return scalars_; }
  C flag() const { return flag_; }
  auto function() const { return update_functions<T>()[static_cast<int>(rule_)]; }

  std::array<C, kMaxParams> params(const KernelContext& c, int member = 0) const {
    std::array<C, kMaxParams> p{};
    size_t n = 0;
    for (int arg : scalars_) {
      const int i = input(arg, member);
      p[n++] = c.input(i).dtype() == DType::kInt64 ? static_cast<C>(*c.in<int64_t>(i)) : static_cast<C>(*c.in<T>(i));
    }
    p[n] = flag_;
    return p;
  }
  // Locks the variables of all members.
  VariableUpdate update(const KernelContext& c) const { return update_variables(c, num_states_ * count_); }
  // Before the first write: the slots and (dense) the gradient have the variable's shape.
  void check_shapes(const KernelContext& c, const VariableUpdate& update, int member = 0) const {
    const auto name = [&](int state) -> const std::string& { return c.variable(input(state, member)).name(); };
    const Shape& shape = update.read(input(0, member)).shape();
    for (int k = 1; k < num_states_; ++k) {
      const Shape& slot = update.read(input(k, member)).shape();
      check(slot == shape, "variable '", name(0), "' has shape ", shape, ", but slot '", name(k), "' has shape ", slot);
    }
    const Tensor& gradient = this->gradient(c, member);
    if (indices_ < 0)
      check(gradient.shape() == shape, "variable '", name(0), "' has shape ", shape, ", but its gradient has shape ",
            gradient.shape());
  }
  // The same for the sparse form: the gradient has a row of the variable's per index.
  void check_sparse_shapes(const KernelContext& c, const VariableUpdate& update) const {
    check_shapes(c, update);
    Shape expected = update.read(0).shape();
    check(expected.rank() >= 1, "the variable must have at least one dimension for a sparse update");
    expected.set_dim(0, c.input(indices_).num_elements());
    check(gradient(c).shape() == expected, "the gradient has shape ", gradient(c).shape(), ", expected ", expected);
  }
  std::array<T*, kMaxStates> states(VariableUpdate& update, int member = 0) const {
    std::array<T*, kMaxStates> s{};
    for (int k = 0; k < num_states_; ++k) s[static_cast<size_t>(k)] = update[input(k, member)].template data<T>();
    return s;
  }
  // The states from element `offset` on.
  std::array<T*, kMaxStates> at(std::array<T*, kMaxStates> states, int64_t offset) const {
    for (int i = 0; i < num_states_; ++i) states[static_cast<size_t>(i)] += offset;
    return states;
  }
  // Memory moved for one: states in and out, and the gradient.
  int64_t bytes_per_element() const { return (2 * num_states_ + 1) * static_cast<int64_t>(sizeof(T)); }

 private:
  simd::Rule rule_;
  int count_;
  int num_states_ = 0, gradient_ = -1, indices_ = -1;
  std::vector<int> scalars_;
  C flag_ = C(0);
};

// Registers Kernel<T>(optimizer, op, attrs) for the float types.
template <template <class> class Kernel, class... Ts>
void add_optimizer_kernels(Registry& r, const Optimizer& optimizer, const std::string& op, TypeList<Ts...>,
                           DeviceKind device = DeviceKind::kCPU) {
  const OpDef* def = &r.find(op);
  (r.add(op, device, dtype_of<Ts>,
         [&optimizer, def](const Attrs& attrs) {
           return tfmini::Kernel{[](const void* k, KernelContext& c) { (*static_cast<const Kernel<Ts>*>(k))(c); },
                                 std::make_shared<const Kernel<Ts>>(optimizer, *def, attrs)};
         }),
   ...);
}

}  // namespace tfmini

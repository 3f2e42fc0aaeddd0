// Dense optimizer updates: ApplyGradientDescent, ApplyMomentum, ApplyAdam, ...; see kOptimizers.
#include "ops/training.h"

#include <string>

#include "core/parallel.h"

namespace tfmini {
namespace {

// Slots and a dense gradient have the variable's shape, a sparse gradient one row per index;
// everything else is a scalar.
void optimizer_shape(InferContext& c) {
  const auto& inputs = c.def().inputs;
  Shape var = c.input(0);
  int gradient = -1, indices = -1;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const std::string& name = inputs[static_cast<size_t>(i)].name;
    if (inputs[static_cast<size_t>(i)].is_ref)
      var = merge(var, c.input(i));
    else if (name == "grad" || name == "delta")
      gradient = i;
    else if (name == "indices")
      indices = i;
    else
      check(!c.input(i).known_rank() || c.input(i).rank() == 0, name, " must be a scalar, got shape ", c.input(i));
  }
  if (indices < 0) {
    var = merge(var, c.input(gradient));
  } else {
    check(!var.known_rank() || var.rank() >= 1, "the variable must have at least one dimension for a sparse update");
    const Shape rows = c.with_rank(indices, 1);
    if (var.known_rank()) {
      Shape expected = var;
      expected.set_dim(0, rows[0]);
      check(expected.compatible_with(c.input(gradient)), "a gradient of shape ", c.input(gradient), " for ", rows[0],
            " rows of a variable of shape ", var, " should have shape ", expected);
    }
  }
  c.set_output(0, var);
}

template <class T>
class Apply {
 public:
  Apply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    VariableUpdate update = update_variables(c, node_.num_states());
    node_.check_shapes(c, update);
    const auto params = node_.params(c);
    const auto states = node_.states(update);
    const T* gradient = node_.gradient(c).template data<T>();
    const auto fn = node_.function();
    parallel_for(node_.gradient(c).num_elements(), grain_for_bytes(node_.bytes_per_element()),
                 [&](int64_t begin, int64_t end) {
                   fn(node_.at(states, begin).data(), gradient + begin, end - begin, params.data());
                 });
  }

 private:
  OptimizerNode<T> node_;
};

}  // namespace

VariableUpdate update_variables(const KernelContext& c, int n) {
  switch (n) {
    case 1:
      return VariableUpdate({&c.variable(0)});
    case 2:
      return VariableUpdate({&c.variable(0), &c.variable(1)});
    case 3:
      return VariableUpdate({&c.variable(0), &c.variable(1), &c.variable(2)});
    default:
      return VariableUpdate({&c.variable(0), &c.variable(1), &c.variable(2), &c.variable(3)});
  }
}

std::string declare_optimizer(Registry& r, const Optimizer& o, bool sparse) {
  const char* prefix = !sparse ? "Apply" : o.sparse == SparseKind::kRows ? "SparseApply" : "_SparseApply";
  std::string op_name = std::string(prefix) + o.name;
  OpBuilder b = r.op(op_name);
  const auto each_word = [](std::string_view words, const auto& fn) {
    while (!words.empty()) {
      const size_t end = std::min(words.find(' '), words.size());
      fn(std::string(words.substr(0, end)));
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  };
  each_word(o.states, [&](const std::string& name) { b.input(name + ": Ref(T)"); });
  each_word(o.inputs, [&](const std::string& name) {
    if (name == "global_step")
      b.input("global_step: int64");
    else if (name[0] != '*')
      b.input(name + ": T");
    else if (!sparse)
      b.input(name.substr(1) + ": T");
    else
      b.input("grad: T").input("indices: Tindices");
  });
  b.output("out: Ref(T)").attr("T: {half, bfloat16, float, double}");
  if (sparse) b.attr("Tindices: {int32, int64}");
  b.attr("use_locking: bool = false");
  if (o.flag) b.attr(o.flag);
  b.writes_variable().shape(optimizer_shape);
  return op_name;
}

void register_training(Registry& r) {
  for (const Optimizer& o : kOptimizers)
    add_optimizer_kernels<Apply>(r, o, declare_optimizer(r, o, false), FloatTypes{});
}

}  // namespace tfmini

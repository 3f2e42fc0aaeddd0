// Dense optimizer updates: ApplyGradientDescent, ApplyMomentum, ApplyAdam, ...; see kOptimizers.
#include "ops/training.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/parallel.h"

namespace tfmini {
namespace {

// Slots and a dense gradient have the variable's shape, a sparse gradient one row per index;
// everything else is a scalar.
void member_shape(InferContext& c, int member, int count) {
  const auto& inputs = c.def().inputs;
  const auto input = [&](int arg) { return arg * count + member; };
  Shape var = c.input(input(0));
  int gradient = -1, indices = -1;
  for (int i = 0; i < static_cast<int>(inputs.size()); ++i) {
    const std::string& name = inputs[static_cast<size_t>(i)].name;
    const Shape& shape = c.input(input(i));
    if (inputs[static_cast<size_t>(i)].is_ref)
      var = merge(var, shape);
    else if (name == "grad" || name == "delta")
      gradient = input(i);
    else if (name == "indices")
      indices = input(i);
    else
      check(!shape.known_rank() || shape.rank() == 0, name, " must be a scalar, got shape ", shape);
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
  c.set_output(member, var);
}

void optimizer_shape(InferContext& c) {
  const int count = c.num_inputs() / static_cast<int>(c.def().inputs.size());
  for (int member = 0; member < count; ++member) member_shape(c, member, count);
}

template <class T>
class Apply {
 public:
  Apply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    VariableUpdate update = node_.update(c);
    for (int i = 0; i < node_.count(); ++i) node_.check_shapes(c, update, i);
    std::vector<Member> members;
    members.reserve(static_cast<size_t>(node_.count()));
    int64_t total = 0;
    for (int i = 0; i < node_.count(); ++i) {
      const Tensor& gradient = node_.gradient(c, i);
      const int64_t n = gradient.num_elements();
      members.push_back({total, total + n, node_.states(update, i), gradient.data<T>(), node_.params(c, i)});
      total += n;
    }
    // The members lie one after the other in one range, so that few chunks hold many small ones.
    const auto fn = node_.function();
    parallel_for(total, grain_for_bytes(node_.bytes_per_element()), [&](int64_t begin, int64_t end) {
      auto m = std::partition_point(members.begin(), members.end(), [=](const Member& x) { return x.end <= begin; });
      for (; begin < end; begin = m++->end) {
        const int64_t at = begin - m->begin, n = std::min(end, m->end) - begin;
        fn(node_.at(m->states, at).data(), m->gradient + at, n, m->params.data());
      }
    });
  }

 private:
  struct Member {
    int64_t begin, end;
    std::array<T*, OptimizerNode<T>::kMaxStates> states;
    const T* gradient;
    std::array<ComputeType<T>, OptimizerNode<T>::kMaxParams> params;
  };
  OptimizerNode<T> node_;
};

}  // namespace

VariableUpdate update_variables(const KernelContext& c, int n) {
  std::vector<Variable*> variables(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) variables[static_cast<size_t>(i)] = &c.variable(i);
  return VariableUpdate(std::move(variables));
}

std::string declare_optimizer(Registry& r, const Optimizer& o, Form form) {
  const bool sparse = form == Form::kSparse, grouped = form == Form::kGrouped;
  const bool is_private = grouped || (sparse && o.sparse != SparseKind::kRows);
  const char* kind = grouped ? "GroupedApply" : sparse ? "SparseApply" : "Apply";
  std::string op_name(is_private ? "_" : "");
  op_name.append(kind).append(o.name);
  OpBuilder b = r.op(op_name);
  const std::string list = grouped ? "N * " : "";
  const auto each_word = [](std::string_view words, const auto& fn) {
    while (!words.empty()) {
      const size_t end = std::min(words.find(' '), words.size());
      fn(std::string(words.substr(0, end)));
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  };
  each_word(o.states, [&](const std::string& name) { b.input(name + ": Ref(" + list + "T)"); });
  each_word(o.inputs, [&](const std::string& name) {
    const bool gradient = name[0] == '*';
    if (gradient && sparse)
      b.input("grad: T").input("indices: Tindices");
    else
      b.input(name.substr(gradient ? 1 : 0) + ": " + list + (name == "global_step" ? "int64" : "T"));
  });
  b.output("out: Ref(" + list + "T)").attr("T: {half, bfloat16, float, double}");
  if (grouped) b.attr("N: int >= 1");
  if (sparse) b.attr("Tindices: {int32, int64}");
  b.attr("use_locking: bool = false");
  if (o.flag) b.attr(o.flag);
  b.writes_variable().shape(optimizer_shape);
  return op_name;
}

void register_training(Registry& r) {
  for (const Optimizer& o : kOptimizers)
    for (Form form : {Form::kDense, Form::kGrouped})  // the latter made by passes/group_updates.cc
      add_optimizer_kernels<Apply>(r, o, declare_optimizer(r, o, form), FloatTypes{});
}

}  // namespace tfmini

// Sparse optimizer updates: SparseApplyMomentum, SparseApplyAdagrad, ... touch only the rows that
// the gradient names. A row that occurs twice is updated twice, in order, as in TensorFlow.
#include <string>

#include "ops/rows.h"
#include "ops/training.h"

namespace tfmini {
namespace {

template <class T>
class SparseApply {
 public:
  SparseApply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    VariableUpdate update = update_variables(c, node_.num_states());
    node_.check_shapes(c, update);
    const Shape& shape = update.read(0).shape();
    const Tensor& indices = c.input(node_.indices());
    Shape expected = shape;
    check(shape.rank() >= 1, "the variable must have at least one dimension for a sparse update");
    expected.set_dim(0, indices.num_elements());
    check(node_.gradient(c).shape() == expected, "the gradient has shape ", node_.gradient(c).shape(), ", expected ",
          expected);
    const Tensor rows = checked_rows(c, indices, shape[0]);

    const auto params = node_.params(c);
    const auto states = node_.states(update);
    const T* gradient = node_.gradient(c).template data<T>();
    const auto fn = node_.function();
    const int64_t width = shape.product(1, shape.rank());
    const int64_t bytes = (2 * node_.num_states() + 1) * width * static_cast<int64_t>(sizeof(T));
    for_each_row(
        rows, bytes,
        [&](int64_t i, int64_t row) {
          auto s = states;
          for (int k = 0; k < node_.num_states(); ++k) s[static_cast<size_t>(k)] += row * width;
          fn(s.data(), gradient + i * width, width, params.data());
        },
        [&](int64_t row) {
          for (int k = 0; k < node_.num_states(); ++k) prefetch_row(states[static_cast<size_t>(k)] + row * width);
        });
  }

 private:
  OptimizerNode<T> node_;
};

}  // namespace

void register_sparse_training(Registry& r) {
  for (const Optimizer& o : kOptimizers) {
    if (!o.has_sparse) continue;
    declare_optimizer(r, o, true);
    add_optimizer_kernels<SparseApply>(r, o, std::string("SparseApply") + o.name, FloatTypes{});
  }
}

}  // namespace tfmini

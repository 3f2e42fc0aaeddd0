// Sparse optimizer updates, each one kernel: nobody sees a variable updated and its slots not yet.
//
// SparseApplyMomentum, SparseApplyAdagrad, ... touch only the rows that the gradient names. A row that
// occurs twice is updated twice, in order, as in TensorFlow. _SparseApplyAdam updates every row, as if
// by the dense gradient: moments decay, and still move the variable, where there is no gradient.
#include <algorithm>
#include <numeric>
#include <string>

#include "ops/rows.h"
#include "ops/training.h"

namespace tfmini {
namespace {

// The rows that the gradient names, after the checks that must come before the first write.
template <class T>
RowNumbers gradient_rows(const KernelContext& c, const OptimizerNode<T>& node, const VariableUpdate& update) {
  node.check_sparse_shapes(c, update);
  return checked_rows(c.input(node.indices()), update.read(0).dim(0));
}

template <class T>
class SparseApply {
 public:
  SparseApply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    VariableUpdate update = node_.update(c);
    const RowNumbers rows = gradient_rows(c, node_, update);
    const auto params = node_.params(c);
    const auto states = node_.states(update);
    const T* gradient = node_.gradient(c).template data<T>();
    const auto fn = node_.function();
    const int64_t width = update.read(0).shape().product(1, update.read(0).shape().rank());
    for_each_row(
        rows, node_.bytes_per_element() * width,
        [&](int64_t i, int64_t row) {
          fn(node_.at(states, row * width).data(), gradient + i * width, width, params.data());
        },
        [&](int64_t row) {
          for (int k = 0; k < node_.num_states(); ++k) prefetch_row(states[static_cast<size_t>(k)] + row * width);
        });
  }

 private:
  OptimizerNode<T> node_;
};

// Which rows of a gradient belong to each row of the variable, in order: a counting sort, linear in both numbers.
class RowLists {
 public:
  RowLists(const KernelContext& c, const RowNumbers& rows, int64_t count)
      : first_(c.scratch(DType::kInt64, {count + 1})), order_(c.scratch(DType::kInt64, {rows.size()})) {
    const int64_t *row = rows.data(), n = rows.size();
    int64_t *first = first_.data<int64_t>(), *order = order_.data<int64_t>();
    std::fill_n(first, count + 1, 0);
    for (int64_t i = 0; i < n; ++i) ++first[row[i]];
    std::partial_sum(first, first + count + 1, first);
    for (int64_t i = n; i-- > 0;) order[--first[row[i]]] = i;
  }
  const int64_t* begin(int64_t row) const { return order_.data<int64_t>() + first_.data<int64_t>()[row]; }
  const int64_t* end(int64_t row) const { return begin(row + 1); }
  bool is_empty(int64_t row) const { return begin(row) == end(row); }

 private:
  Tensor first_, order_;
};

template <class T>
class SparseApplyDecay {
 public:
  SparseApplyDecay(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    VariableUpdate update = node_.update(c);
    const RowNumbers rows = gradient_rows(c, node_, update);
    const Shape& shape = update.read(0).shape();
    const int64_t count = shape[0], width = shape.product(1, shape.rank());
    const RowLists lists(c, rows, count);

    const auto params = node_.params(c);
    const auto states = node_.states(update);
    const T* gradient = node_.gradient(c).template data<T>();
    const auto fn = node_.function();
    const auto apply = [&](int64_t at, const T* g, int64_t n) { fn(node_.at(states, at).data(), g, n, params.data()); };
    const T zeros[kTile] = {};
    parallel_for(count, grain_for_bytes(node_.bytes_per_element() * width), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end;) {
        const int64_t first = row;
        while (row < end && lists.is_empty(row)) ++row;
        for (int64_t at = first * width; at < row * width; at += kTile)
          apply(at, zeros, std::min(kTile, row * width - at));
        if (row == end) break;
        if (lists.end(row) - lists.begin(row) == 1)
          apply(row * width, gradient + *lists.begin(row) * width, width);
        else
          for (int64_t j = 0; j < width; j += kTile) {
            const int64_t n = std::min(kTile, width - j);
            T sum[kTile];
            add_rows(lists.begin(row), lists.end(row), gradient + j, width, n, sum);
            apply(row * width + j, sum, n);
          }
        ++row;
      }
    });
  }

 private:
  static constexpr int64_t kTile = 256;  // elements at a time where the gradient is not in memory as it is

  // The first n elements of the rows [i, end), added up.
  static void add_rows(const int64_t* i, const int64_t* end, const T* gradient, int64_t width, int64_t n, T* sum) {
    using C = ComputeType<T>;
    C total[kTile] = {};
    for (; i != end; ++i)
      for (int64_t j = 0; j < n; ++j) total[j] += static_cast<C>(gradient[*i * width + j]);
    for (int64_t j = 0; j < n; ++j) sum[j] = static_cast<T>(total[j]);
  }

  OptimizerNode<T> node_;
};

}  // namespace

void register_sparse_training(Registry& r) {
  for (const Optimizer& o : kOptimizers) {
    if (o.sparse == SparseKind::kNone) continue;
    const std::string op = declare_optimizer(r, o, Form::kSparse);
    if (o.sparse == SparseKind::kDecay)
      add_optimizer_kernels<SparseApplyDecay>(r, o, op, FloatTypes{});
    else
      add_optimizer_kernels<SparseApply>(r, o, op, FloatTypes{});
  }
}

}  // namespace tfmini

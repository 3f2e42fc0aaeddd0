// Sparse optimizer updates. A row that occurs twice is updated twice, in order, by one thread; _SparseApplyAdam adds
// equal rows up, and updates all rows. Gradient descent does so too where a row occurs very often, which comes to the
// same but for rounding. An index out of range names no row.
#include "core/fill.cuh"
#include "core/fold_rows.cuh"
#include "core/optimizer.cuh"
#include "core/stream.h"
#include "simd/training_rules.h"

namespace tfmini::cuda {
namespace {

using namespace simd::rules;

template <class T>
struct SparseArgs {
  RowLists lists;
  T* states[kMaxStates];
  const T* gradient;  // [items, width]
  int64_t width;
  const void* scalars[kMaxParams];
  ScalarFormat<T> format;
  const int64_t* first;        // per row, where its list starts; -1: it has none
  const ComputeType<T>* sums;  // of the gradients of long lists (fold_long_lists), or nullptr
  bool aligned;

  __device__ __forceinline__ bool has_sum(int64_t start) const { return sums && lists.is_long(start); }
  __device__ __forceinline__ void load_sum(int64_t start, int64_t j, ComputeType<T> (&g)[kPackOf<T>]) const {
#pragma unroll
    for (int i = 0; i < kPackOf<T>; ++i) g[i] = j + i < width ? sums[lists.slot(start) * width + j + i] : 0;
  }
  __device__ __forceinline__ void load_gradient(int64_t place, int64_t j, T (&g)[kPackOf<T>]) const {
    load_pack<kPackOf<T>>(gradient + lists.item(place) * width + j, width - j, aligned, g);
  }
};

// Are many steps one with the sum of their gradients?
template <template <class> class Rule>
inline constexpr bool kAddsUp = std::is_same_v<Rule<float>, GradientDescent<float>>;

// The rows that are named: a thread each, and per pack of columns.
template <template <class> class Rule, class T>
__global__ void __launch_bounds__(kThreads) apply_to_named(const __grid_constant__ SparseArgs<T> a) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>, kStates = Rule<C>::kStates;
  const int64_t packs = (a.width + kPack - 1) / kPack, place = thread_index() / packs;
  if (place >= a.lists.n || !a.lists.starts(place)) return;
  const int64_t row = a.lists.row(place), j = thread_index() % packs * kPack, left = a.width - j;
  C p[kMaxParams];
  a.format.read(a.scalars, p);
  const Rule<C> rule(p);
  T g[kPack], s[kStates][kPack];
#pragma unroll
  for (int k = 0; k < kStates; ++k) load_pack<kPack>(a.states[k] + row * a.width + j, left, a.aligned, s[k]);
  if (kAddsUp<Rule> && a.has_sum(place)) {
    C sum[kPack];
    a.load_sum(place, j, sum);
    step(rule, sum, s);
  } else {
    for (int64_t t = place; a.lists.continues(t, row); ++t) {
      a.load_gradient(t, j, g);
      step(rule, g, s);
    }
  }
#pragma unroll
  for (int k = 0; k < kStates; ++k) store_pack<kPack>(a.states[k] + row * a.width + j, left, a.aligned, s[k]);
}

__global__ void __launch_bounds__(kThreads) find_first(const __grid_constant__ RowLists lists, int64_t* first) {
  const int64_t place = thread_index();
  if (place < lists.n && lists.starts(place)) first[lists.row(place)] = place;
}

// All rows, those that are not named with a gradient of 0.
template <template <class> class Rule, class T>
__global__ void __launch_bounds__(kThreads) apply_to_all(const __grid_constant__ SparseArgs<T> a) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>, kStates = Rule<C>::kStates;
  const int64_t packs = (a.width + kPack - 1) / kPack, row = thread_index() / packs;
  if (row >= a.lists.rows) return;
  const int64_t j = thread_index() % packs * kPack, left = a.width - j;
  C p[kMaxParams], sum[kPack] = {};
  a.format.read(a.scalars, p);
  const Rule<C> rule(p);
  T g[kPack], s[kStates][kPack];
#pragma unroll
  for (int k = 0; k < kStates; ++k) load_pack<kPack>(a.states[k] + row * a.width + j, left, a.aligned, s[k]);
  if (const int64_t place = a.first[row]; place >= 0 && a.has_sum(place))
    a.load_sum(place, j, sum);
  else if (place >= 0)
    for (int64_t t = place; a.lists.continues(t, row); ++t) {
      a.load_gradient(t, j, g);
#pragma unroll
      for (int i = 0; i < kPack; ++i) sum[i] += widen(g[i]);
    }
#pragma unroll
  for (int i = 0; i < kPack; ++i) g[i] = narrow<T>(sum[i]);
  step(rule, g, s);
#pragma unroll
  for (int k = 0; k < kStates; ++k) store_pack<kPack>(a.states[k] + row * a.width + j, left, a.aligned, s[k]);
}

template <class T>
using Function = void (*)(SparseArgs<T>);
// In the order of simd::Rule; nullptr: the rule has no sparse form.
template <class T>
constexpr Function<T> kKernels[] = {
    apply_to_named<GradientDescent, T>,
    apply_to_named<Momentum, T>,
    apply_to_named<Adagrad, T>,
    apply_to_named<AdagradV2, T>,
    apply_to_named<RMSProp, T>,
    apply_to_named<CenteredRMSProp, T>,
    apply_to_all<Adam, T>,
    nullptr,
    apply_to_named<Adadelta, T>,
    apply_to_named<Ftrl, T>,
    apply_to_named<FtrlV2, T>,
    apply_to_named<ProximalGradientDescent, T>,
    apply_to_named<ProximalAdagrad, T>,
    apply_to_named<AdagradDA, T>,
};

template <class T>
class SparseApply {
 public:
  SparseApply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs)
      : node_(optimizer, def, attrs),
        all_(optimizer.sparse == SparseKind::kDecay),
        adds_up_(all_ || node_.rule() == simd::Rule::kGradientDescent) {}
  void operator()(KernelContext& c) const {
    constexpr int kPack = kPackOf<T>;
    VariableUpdate update = node_.update(c);
    node_.check_sparse_shapes(c, update);
    const Shape& shape = update.read(0).shape();
    const int64_t width = shape.product(1, shape.rank());
    const SortedRows rows(c, c.input(node_.indices()), Shape{shape[0]});
    SparseArgs<T> a{};
    a.lists = rows.lists();
    const int64_t threads = (all_ ? a.lists.rows : a.lists.n) * ((width + kPack - 1) / kPack);
    if (threads == 0) return;
    a.gradient = node_.gradient(c).template data<T>();
    a.width = width;
    a.format = ScalarFormat<T>::of(c, node_);
    locate_scalars(c, node_, 0, a.scalars);
    a.aligned = width % kPack == 0 && is_aligned<kPack>(a.gradient);
    const auto states = node_.states(update);
    for (int k = 0; k < node_.num_states(); ++k) {
      a.states[k] = states[static_cast<size_t>(k)];
      a.aligned &= is_aligned<kPack>(a.states[k]);
    }
    Tensor first;
    if (all_) {
      first = c.scratch(DType::kInt64, Shape{a.lists.rows});
      fill(stream(c), first.data<int64_t>(), a.lists.rows, int64_t{-1});
      if (a.lists.n > 0)
        launch(&find_first, blocks_for(a.lists.n), kThreads, 0, stream(c), a.lists, first.data<int64_t>());
      a.first = first.data<int64_t>();
    }
    Tensor sums;
    if (adds_up_) {
      FoldArgs<T> fold{};
      fold.lists = a.lists;
      fold.updates = a.gradient;
      fold.width = width;
      fold.how = Fold::kAdd;
      fold.aligned = width % kPack == 0 && is_aligned<kPack>(a.gradient);
      sums = fold_long_lists(c, fold);
      if (sums.defined()) a.sums = sums.data<ComputeType<T>>();
    }
    launch(kKernels<T>[static_cast<int>(node_.rule())], blocks_for(threads), kThreads, 0, stream(c), a);
  }

 private:
  OptimizerNode<T> node_;
  bool all_, adds_up_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_sparse_training_cuda(Registry& r) {
  for (const Optimizer& o : kOptimizers) {
    if (o.sparse == SparseKind::kNone) continue;
    const bool is_private = o.sparse != SparseKind::kRows;
    add_optimizer_kernels<cuda::SparseApply>(r, o, std::string(is_private ? "_SparseApply" : "SparseApply") + o.name,
                                             FloatTypes{}, DeviceKind::kCUDA);
  }
}

}  // namespace tfmini

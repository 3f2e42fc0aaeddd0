#include "core/fold_rows.cuh"

#include <limits>
#include <type_traits>

#include "core/stream.h"
#include "simd/functors.h"

namespace tfmini::cuda {
namespace {

// Integers divided by 0 are 0: there is nobody to tell.
template <class C>
__device__ __forceinline__ C quotient_or_zero(C a, C b) {
  if constexpr (std::is_integral_v<C>) {
    if (b == 0) return 0;
    if (std::is_signed_v<C> && b == C(-1)) return static_cast<C>(-static_cast<std::make_unsigned_t<C>>(a));
  }
  return a / b;
}

template <class C>
__device__ __forceinline__ C fold(Fold how, C a, C b) {
  switch (how) {
    case Fold::kUpdate:
      return b;
    case Fold::kSub:
      return simd::fn::sub(a, b);
    case Fold::kMul:
      return simd::fn::mul(a, b);
    case Fold::kDiv:
      return quotient_or_zero(a, b);
    case Fold::kMin:
      return b < a ? b : a;
    case Fold::kMax:
      return b > a ? b : a;
    default:
      return simd::fn::add(a, b);
  }
}

// How updates are folded with each other before one fold with what they update, and what such a fold starts with.
__host__ __device__ constexpr bool can_be_cut(Fold how) { return how != Fold::kUpdate && how != Fold::kDiv; }
__device__ __forceinline__ Fold among_updates(Fold how) { return how == Fold::kSub ? Fold::kAdd : how; }
template <class C>
__device__ __forceinline__ C neutral(Fold how) {
  using L = std::numeric_limits<C>;
  switch (how) {
    case Fold::kMul:
      return C(1);
    case Fold::kMin:
      return L::has_infinity ? L::infinity() : L::max();
    case Fold::kMax:
      return L::has_infinity ? -L::infinity() : L::lowest();
    default:
      return C(0);
  }
}

template <class T>
__device__ __forceinline__ void load_update(const FoldArgs<T>& a, int64_t place, int64_t j, T (&x)[kPackOf<T>]) {
  if (a.one_update) {
#pragma unroll
    for (int i = 0; i < kPackOf<T>; ++i) x[i] = *a.updates;
  } else {
    load_pack<kPackOf<T>>(a.updates + a.lists.item(place) * a.width + j, a.width - j, a.aligned, x);
  }
}

// A thread per place and pack of columns: that of a list's first place folds it, that of its last replaces.
template <class T>
__global__ void __launch_bounds__(kThreads) fold_lists(const __grid_constant__ FoldArgs<T> a) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>;
  const int64_t packs = (a.width + kPack - 1) / kPack, s = thread_index() / packs;
  if (s >= a.lists.n) return;
  const int64_t row = a.lists.row(s), j = thread_index() % packs * kPack, left = a.width - j;
  if (row >= a.lists.rows) return;
  T* out = a.out + row * a.width + j;
  T x[kPack];
  if (a.how == Fold::kUpdate) {
    if (a.lists.continues(s + 1, row)) return;
    load_update(a, s, j, x);
    return store_pack<kPack>(out, left, a.aligned, x);
  }
  if (!a.lists.starts(s)) return;
  C sum[kPack];
  load_pack<kPack>(out, left, a.aligned, x);
#pragma unroll
  for (int i = 0; i < kPack; ++i) sum[i] = a.from_out ? widen(x[i]) : a.start;
  if (a.of_long && a.lists.is_long(s)) {
    const C* total = a.of_long + a.lists.slot(s) * a.width + j;
#pragma unroll
    for (int i = 0; i < kPack; ++i)
      if (i < left) sum[i] = fold(a.how, sum[i], total[i]);
  } else {
    for (int64_t t = s; a.lists.continues(t, row); ++t) {
      load_update(a, t, j, x);
#pragma unroll
      for (int i = 0; i < kPack; ++i) sum[i] = fold(a.how, sum[i], widen(x[i]));
    }
  }
  if (a.how == Fold::kMean) {
    const C count = static_cast<C>(a.lists.end(s) - s);
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum[i] = sum[i] / count;
  }
#pragma unroll
  for (int i = 0; i < kPack; ++i) x[i] = narrow<T>(sum[i]);
  store_pack<kPack>(out, left, a.aligned, x);
}

// --- long lists -----------------------------------------------------------------------------------

// A block is `across` threads, a pack of columns each, by `lanes` that share the items out.
struct Cut {
  int across, lanes;
  int64_t tiles;  // blocks for all columns

  template <class T>
  static Cut of(int64_t width) {
    const int64_t packs = (width + kPackOf<T> - 1) / kPackOf<T>;
    Cut cut{1, kThreads, 1};
    while (cut.across < packs && cut.across < kThreads) cut.across *= 2;
    cut.lanes = kThreads / cut.across;
    cut.tiles = (packs + cut.across - 1) / cut.across;
    return cut;
  }
};

// The fold of count packs, load(k, pack) being the k-th: each lane's own, then those of the lanes in pairs. For all
// threads of a block; the first lane gets the result.
template <int kPack, class C, class Load>
__device__ __forceinline__ void fold_in_block(Fold how, const Cut& cut, int64_t count, const Load& load,
                                              C (&sum)[kPack]) {
  __shared__ C partial[kThreads][kPack];
  const int me = static_cast<int>(threadIdx.x), lane = me / cut.across;
#pragma unroll
  for (int i = 0; i < kPack; ++i) sum[i] = neutral<C>(how);
  for (int64_t k = lane; k < count; k += cut.lanes) {
    C x[kPack];
    load(k, x);
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum[i] = fold(how, sum[i], x[i]);
  }
  for (int step = cut.lanes / 2; step > 0; step /= 2) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) partial[me][i] = sum[i];
    __syncthreads();
    if (lane < step)
#pragma unroll
      for (int i = 0; i < kPack; ++i) sum[i] = fold(how, sum[i], partial[me + step * cut.across][i]);
    __syncthreads();
  }
}

// The block's slot, first column and number of columns.
struct Task {
  int64_t slot, j, left;
  template <int kPack>
  __device__ __forceinline__ static Task of(const Cut& cut, int64_t width) {
    const int64_t j = (blockIdx.x % cut.tiles * cut.across + threadIdx.x % cut.across) * kPack;
    return {blockIdx.x / cut.tiles, j, width - j};
  }
};

// folds[slot] = the fold of the piece that has this slot.
template <class T>
__global__ void __launch_bounds__(kThreads)
    fold_pieces(const __grid_constant__ FoldArgs<T> a, Cut cut, ComputeType<T>* folds) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>;
  const Task task = Task::of<kPack>(cut, a.width);
  const RowLists::Piece piece = a.lists.piece(task.slot);
  if (piece.begin == piece.end) return;
  C sum[kPack];
  fold_in_block(
      among_updates(a.how), cut, piece.end - piece.begin,
      [&](int64_t k, C(&out)[kPack]) {
        T x[kPack];
        load_update(a, piece.begin + k, task.j, x);
#pragma unroll
        for (int i = 0; i < kPack; ++i) out[i] = widen(x[i]);
      },
      sum);
  if (static_cast<int>(threadIdx.x) < cut.across)
#pragma unroll
    for (int i = 0; i < kPack; ++i)
      if (i < task.left) folds[task.slot * a.width + task.j + i] = sum[i];
}

// folds[slot of a list's first piece] = the fold of all its pieces.
template <class C, int kPack>
__global__ void __launch_bounds__(kThreads)
    join_pieces(const __grid_constant__ RowLists lists, Fold how, int64_t width, Cut cut, C* folds) {
  const Task task = Task::of<kPack>(cut, width);
  const RowLists::Piece piece = lists.piece(task.slot);
  if (piece.begin == piece.end || piece.begin != piece.list) return;
  const int64_t pieces = (lists.end(piece.list) - piece.list + RowLists::kPiece - 1) / RowLists::kPiece;
  C sum[kPack];
  fold_in_block(
      among_updates(how), cut, pieces,
      [&](int64_t k, C(&out)[kPack]) {
        const C* from = folds + (k == 0 ? task.slot : lists.slot(piece.list, k)) * width + task.j;
#pragma unroll
        for (int i = 0; i < kPack; ++i) out[i] = i < task.left ? from[i] : C(0);
      },
      sum);
  if (static_cast<int>(threadIdx.x) < cut.across)
#pragma unroll
    for (int i = 0; i < kPack; ++i)
      if (i < task.left) folds[task.slot * width + task.j + i] = sum[i];
}

}  // namespace

template <class T>
Tensor fold_long_lists(const KernelContext& c, const FoldArgs<T>& a) {
  using C = ComputeType<T>;
  const int64_t slots = a.lists.slots();
  if (a.lists.n <= RowLists::kPiece || a.width == 0 || !can_be_cut(a.how)) return Tensor();
  const Cut cut = Cut::of<T>(a.width);
  const dim3 blocks(static_cast<unsigned>(slots * cut.tiles));
  Tensor folds = c.scratch(dtype_of<C>, Shape{slots, a.width});
  launch(&fold_pieces<T>, blocks, kThreads, 0, stream(c), a, cut, folds.data<C>());
  launch(&join_pieces<C, kPackOf<T>>, blocks, kThreads, 0, stream(c), a.lists, a.how, a.width, cut, folds.data<C>());
  return folds;
}

template <class T>
void run_fold(const KernelContext& c, FoldArgs<T> a) {
  constexpr int kPack = kPackOf<T>;
  if (a.lists.n == 0 || a.width == 0) return;
  a.aligned = a.width % kPack == 0 && is_aligned<kPack>(a.out) && (a.one_update || is_aligned<kPack>(a.updates));
  const Tensor of_long = fold_long_lists(c, a);
  if (of_long.defined()) a.of_long = of_long.data<ComputeType<T>>();
  launch(&fold_lists<T>, blocks_for(a.lists.n * ((a.width + kPack - 1) / kPack)), kThreads, 0, stream(c), a);
}

template void run_fold(const KernelContext&, FoldArgs<float>);
template void run_fold(const KernelContext&, FoldArgs<double>);
template void run_fold(const KernelContext&, FoldArgs<Half>);
template void run_fold(const KernelContext&, FoldArgs<BFloat16>);
template void run_fold(const KernelContext&, FoldArgs<int32_t>);
template void run_fold(const KernelContext&, FoldArgs<int64_t>);
template void run_fold(const KernelContext&, FoldArgs<uint8_t>);
template Tensor fold_long_lists(const KernelContext&, const FoldArgs<float>&);
template Tensor fold_long_lists(const KernelContext&, const FoldArgs<double>&);
template Tensor fold_long_lists(const KernelContext&, const FoldArgs<Half>&);
template Tensor fold_long_lists(const KernelContext&, const FoldArgs<BFloat16>&);

}  // namespace tfmini::cuda

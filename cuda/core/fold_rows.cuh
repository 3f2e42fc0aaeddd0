// Slices folded into the rows that lists of items name. Lists of up to kPiece items are folded in their order, as on
// the CPU. Longer ones are cut into pieces of that length; each piece and then the pieces are folded by a block, in an
// order that depends on the list's length and the slices' width only.
#pragma once

#include "core/sort.cuh"

namespace tfmini::cuda {

enum class Fold : uint8_t { kUpdate, kAdd, kSub, kMul, kDiv, kMin, kMax, kMean };

template <class T>
struct FoldArgs {
  RowLists lists;
  const T* updates;  // [items, width], or one element for all
  T* out;            // [rows, width]
  int64_t width;
  ComputeType<T> start;  // what a fold starts with, unless with what is in `out`
  Fold how;
  bool one_update, from_out;
  // Set by run_fold: do packs lie right in updates and out; the folds of long lists.
  bool aligned;
  const ComputeType<T>* of_long;
};

// For float, double, Half, BFloat16, int32_t, int64_t and (kUpdate alone) uint8_t.
template <class T>
void run_fold(const KernelContext& c, FoldArgs<T> a);

// The folds of the long lists' updates: [slots, width], RowLists::slot() says where. Not defined if there can be none.
// Differences are of sums, means are not yet divided.
template <class T>
Tensor fold_long_lists(const KernelContext& c, const FoldArgs<T>& a);

}  // namespace tfmini::cuda

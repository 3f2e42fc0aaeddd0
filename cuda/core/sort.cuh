// Sorting rows of keys, and lists of which items belong to which row of something: what is done to a row then happens
// in one thread, in the order of the items, whatever the timing.
#pragma once

#include "core/launch.cuh"
#include "core/op.h"
#include "core/vec.cuh"

namespace tfmini::cuda {

// A key with more than 64 bits: compared by `high`, then by `low`.
struct WideKey {
  uint64_t high, low;
};
TFMINI_HOST_DEVICE inline bool operator<(const WideKey& a, const WideKey& b) {
  return a.high < b.high || (a.high == b.high && a.low < b.low);
}

// Each of the `rows` x `length` keys (uint64_t or WideKey, all different within a row) in ascending order. `keys` is
// overwritten; the result is a tensor of the same bytes.
template <class Key>
Tensor sort_rows(const KernelContext& c, Tensor keys, int64_t rows, int64_t length);

// Room for `n` keys.
template <class Key>
Tensor scratch_keys(const KernelContext& c, int64_t n) {
  return c.scratch(DType::kUInt64, Shape{n * static_cast<int64_t>(sizeof(Key) / sizeof(uint64_t))});
}

// Items sorted by the row they belong to, those of one row in their order. Items that belong to no row come last.
struct RowLists {
  const uint64_t* keys;  // row, then item in the last `bits` bits
  int64_t n, rows;
  int bits;

  __device__ __forceinline__ int64_t row(int64_t s) const { return static_cast<int64_t>(keys[s] >> bits); }
  __device__ __forceinline__ int64_t item(int64_t s) const {
    return static_cast<int64_t>(keys[s] & ((uint64_t{1} << bits) - 1));
  }
  // Does the list of a row start at place s?
  __device__ __forceinline__ bool starts(int64_t s) const {
    const int64_t r = row(s);
    return r < rows && (s == 0 || row(s - 1) != r);
  }
  __device__ __forceinline__ bool continues(int64_t s, int64_t r) const { return s < n && row(s) == r; }
};

class SortedRows {
 public:
  // The items are index vectors of `depth` numbers into dimensions `dims`, which name a row as a number of
  // [dims] flattened. Vectors that point outside belong to no row.
  SortedRows(const KernelContext& c, const Tensor& indices, const Shape& dims);
  const RowLists& lists() const { return lists_; }

 private:
  Tensor keys_;
  RowLists lists_{};
};

}  // namespace tfmini::cuda

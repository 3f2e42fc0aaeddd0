// Sorting rows of keys, and lists of which items belong to which row of something: what is done to a row then happens
// in the order of its items, whatever the timing.
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

// Behind all keys.
template <class Key>
__device__ __forceinline__ Key last_key() {
  if constexpr (sizeof(Key) == sizeof(uint64_t))
    return ~uint64_t{0};
  else
    return Key{~uint64_t{0}, ~uint64_t{0}};
}

// Sorts `width` keys in shared memory, a power of two, by a bitonic network. All threads of the block call it, which
// may just have written the keys.
template <class Key>
__device__ __forceinline__ void sort_shared(Key* keys, int width) {
  for (int size = 2; size <= width; size *= 2)
    for (int distance = size / 2; distance > 0; distance /= 2) {
      __syncthreads();
      for (int k = static_cast<int>(threadIdx.x); k < width / 2; k += static_cast<int>(blockDim.x)) {
        const int i = 2 * k - (k & (distance - 1)), j = i + distance;
        const Key a = keys[i], b = keys[j];
        if ((b < a) == ((i & size) == 0)) {
          keys[i] = b;
          keys[j] = a;
        }
      }
    }
  __syncthreads();
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
  // The first place of [low, high) whose row is r or a later one; `high` if there is none.
  __device__ __forceinline__ int64_t first_of(int64_t r, int64_t low, int64_t high) const {
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (row(middle) < r)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  // Where the list that holds place s ends.
  __device__ __forceinline__ int64_t end(int64_t s) const { return first_of(row(s) + 1, s, n); }

  // Longer lists are cut into pieces of this length, counted from where they start.
  static constexpr int64_t kPiece = 512;
  __device__ __forceinline__ bool is_long(int64_t start) const { return continues(start + kPiece, row(start)); }
  // At most two pieces start in a stretch of kPiece places: one of the list that its first place belongs to, then the
  // first one of the list that its last place belongs to. These are the slots that pieces are numbered by.
  __host__ __device__ int64_t slots() const { return (n + kPiece - 1) / kPiece * 2; }
  // Of the k-th piece of the list that starts at `start`.
  __device__ __forceinline__ int64_t slot(int64_t start, int64_t k = 0) const {
    return (start / kPiece + k) * 2 + (k == 0 && start % kPiece != 0 ? 1 : 0);
  }
  struct Piece {
    int64_t list, begin, end;  // where the list and the piece start; where it ends: all 0 if there is none
  };
  __device__ __forceinline__ Piece piece(int64_t slot) const {
    const int64_t first = slot / 2 * kPiece, next = first + kPiece < n ? first + kPiece : n;
    const bool is_last = slot % 2 != 0;
    const int64_t place = is_last ? next - 1 : first, r = row(place);
    // A long list reaches this far to one side at least: the others need no search.
    const bool may_be = continues(place + kPiece / 2, r) || (place >= kPiece / 2 && row(place - kPiece / 2) == r);
    if (r >= rows || !may_be) return {};
    const int64_t start = first_of(r, 0, place);
    if (!is_long(start) || (is_last && start <= first)) return {};
    const int64_t begin = is_last ? start : start + (first - start + kPiece - 1) / kPiece * kPiece;
    if (!continues(begin, r)) return {};
    return {start, begin, first_of(r + 1, begin, begin + kPiece < n ? begin + kPiece : n)};
  }
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

// Updates of some rows of a variable, named by an index tensor in which rows may repeat.
#pragma once

#include <algorithm>
#include <bit>

#include "core/op.h"
#include "core/parallel.h"

namespace tfmini {

// Numbers of rows, worked out before the first is touched. A few need no allocation.
class RowNumbers {
 public:
  // Row i is number(i).
  template <class Number>
  RowNumbers(int64_t n, const Number& number) : size_(n) {
    if (n > kFew) many_ = cpu_device().allocate(static_cast<size_t>(n) * sizeof(int64_t));
    int64_t* const out = many_ ? static_cast<int64_t*>(many_->data()) : few_;
    for (int64_t i = 0; i < n; ++i) out[i] = number(i);
  }
  RowNumbers(const RowNumbers&) = delete;

  int64_t size() const { return size_; }
  const int64_t* data() const { return many_ ? static_cast<const int64_t*>(many_->data()) : few_; }

 private:
  static constexpr int64_t kFew = 64;
  int64_t size_;
  BufferRef many_;
  int64_t few_[kFew];
};

// The indices, each checked to lie in [0, limit).
inline RowNumbers checked_rows(const Tensor& indices, int64_t limit) {
  const auto from = [&](const auto* in) {
    return RowNumbers(indices.num_elements(), [=](int64_t i) {
      check(in[i] >= 0 && in[i] < limit, "indices[", i, "] = ", in[i], " is not in [0, ", limit, ")");
      return static_cast<int64_t>(in[i]);
    });
  };
  return indices.dtype() == DType::kInt32 ? from(indices.data<int32_t>()) : from(indices.data<int64_t>());
}

// Asks for the first cache lines of a row that is needed soon, to be written or (0) read; the hardware sees the rest
// coming.
template <int write = 1>
void prefetch_row(const void* row) {
  __builtin_prefetch(row, write);
  __builtin_prefetch(static_cast<const char*>(row) + 64, write);
}

// How many rows ahead to ask for: about the latency of memory over the time of a small row.
inline constexpr int64_t kPrefetchDistance = 8;

// fn(i, row) for every i in order, soon(row) for rows that come up. Large updates are shared out by row, so that a row
// that occurs several times is updated by one thread, in order: the result is that of the plain loop, in however many
// parts. Each of these looks at all indices, so there are two per thread and no more.
template <class Fn, class Soon>
void for_each_row(const RowNumbers& rows, int64_t bytes_per_row, const Fn& fn, const Soon& soon) {
  constexpr int64_t kBytesPerPart = 256 << 10;
  const int64_t n = rows.size();
  const int64_t* row = rows.data();
  const int64_t wanted = std::min<int64_t>({n, n * bytes_per_row / kBytesPerPart, 2 * max_threads()});
  const int64_t parts = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(wanted, 1))));
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part)
      for (int64_t i = 0; i < n; ++i) {
        if (i + kPrefetchDistance < n && (row[i + kPrefetchDistance] & (parts - 1)) == part)
          soon(row[i + kPrefetchDistance]);
        if ((row[i] & (parts - 1)) == part) fn(i, row[i]);
      }
  });
}

template <class Fn>
void for_each_row(const RowNumbers& rows, int64_t bytes_per_row, const Fn& fn) {
  for_each_row(rows, bytes_per_row, fn, [](int64_t) {});
}

}  // namespace tfmini

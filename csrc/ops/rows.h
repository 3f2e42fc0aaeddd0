// Updates of some rows of a variable, named by an index tensor in which rows may repeat.
#pragma once

#include <algorithm>
#include <bit>

#include "core/op.h"
#include "core/parallel.h"

namespace tfmini {

// The indices as int64, each checked to lie in [0, limit).
inline Tensor checked_rows(const KernelContext& c, const Tensor& indices, int64_t limit) {
  const int64_t n = indices.num_elements();
  Tensor rows = c.scratch(DType::kInt64, {n});
  int64_t* out = rows.data<int64_t>();
  const auto copy = [&](const auto* in) {
    for (int64_t i = 0; i < n; ++i) {
      check(in[i] >= 0 && in[i] < limit, "indices[", i, "] = ", in[i], " is not in [0, ", limit, ")");
      out[i] = static_cast<int64_t>(in[i]);
    }
  };
  if (indices.dtype() == DType::kInt32)
    copy(indices.data<int32_t>());
  else
    copy(indices.data<int64_t>());
  return rows;
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
void for_each_row(const Tensor& rows, int64_t bytes_per_row, const Fn& fn, const Soon& soon) {
  constexpr int64_t kBytesPerPart = 256 << 10;
  const int64_t n = rows.num_elements();
  const int64_t* row = rows.data<int64_t>();
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
void for_each_row(const Tensor& rows, int64_t bytes_per_row, const Fn& fn) {
  for_each_row(rows, bytes_per_row, fn, [](int64_t) {});
}

}  // namespace tfmini

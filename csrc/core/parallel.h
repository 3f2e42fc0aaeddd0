// One process-wide thread pool. parallel_for splits a range into chunks that threads take from a
// shared counter, so that a thread that loses its core costs one chunk, not a whole slab.
//
// Chunk boundaries depend only on (n, grain), never on the number of threads: a kernel that keeps
// one partial result per chunk gives the same bits with any thread count.
#pragma once

#include <cstdint>

namespace tfmini {

namespace detail {
using RangeFn = void (*)(const void* closure, int64_t begin, int64_t end);
void parallel_for(int64_t n, int64_t grain, RangeFn fn, const void* closure);
}  // namespace detail

// Calls fn(begin, end) over disjoint chunks of [0, n), as few and as even as chunks of at most `grain` (>= 1) items can
// be, on the calling thread and idle pool threads; returns when all are done. Runs inline when n <= grain or when
// already inside a chunk. The first exception thrown by fn is rethrown here. Pick grain so that a chunk takes at least
// ~20 us.
template <class Fn>
void parallel_for(int64_t n, int64_t grain, const Fn& fn) {
  detail::parallel_for(n, grain, [](const void* f, int64_t b, int64_t e) { (*static_cast<const Fn*>(f))(b, e); }, &fn);
}

// Grain for items that each touch about `bytes` of memory or cost about `nanoseconds`.
inline int64_t grain_for_bytes(int64_t bytes_per_item) {
  constexpr int64_t kBytesPerChunk = 256 << 10;  // ~25 us at 10 GB/s, and fits L2
  return bytes_per_item >= kBytesPerChunk ? 1 : kBytesPerChunk / (bytes_per_item < 1 ? 1 : bytes_per_item);
}
inline int64_t grain_for_cost(double nanoseconds_per_item) {
  constexpr double kChunk = 25000.0;
  return nanoseconds_per_item >= kChunk ? 1 : static_cast<int64_t>(kChunk / (nanoseconds_per_item + 1e-3));
}

// Threads a parallel_for on this thread may use (the calling one included).
int max_threads();
// Cores this process may run on.
int available_cores();

// Limits parallel_for calls made by this thread while alive (0: no limit).
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int previous_;
};

}  // namespace tfmini

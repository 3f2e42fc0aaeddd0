// The threads of a block as fibers. A fiber starts one thread after another and is only put aside, with its stack,
// where a thread must wait for others; a kernel without barriers thus runs as a plain loop.
//
// The order of blocks, and of threads between barriers, is shuffled anew for every launch (TFMINI_CUDASIM_SEED), so
// that what depends on it shows as a wrong or a changing result. Blocks run one after another, but for those that were
// launched as a cluster or as a cooperative grid: such a gang runs together. Static arrays are then common to its
// blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "sim/vector_types.h"

// Which thread of which block is running.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace tfmini::sim {

inline constexpr int kMaxThreads = 1024;

// Runs a kernel, given as what one thread does, `gang` consecutive blocks at a time. Returns what went wrong (nullptr:
// nothing). One grid runs at a time: the caller holds the simulator's lock.
const char* run_grid(dim3 grid, dim3 block, uint64_t gang, size_t dynamic_shared_bytes,
                     const std::function<void()>& thread);

// --- called by threads ---
void block_barrier();
void gang_barrier();
// Lets the other threads of the gang go on: in loops that wait for something they do.
void wait_for_others();
int gang_rank();                 // of this thread's block
uint64_t gang_number();          // a new one for every gang that runs
void* dynamic_shared();          // this block's
void* dynamic_shared(int rank);  // another's
// Ends the launch with this error.
[[noreturn]] void trap(const char* message);

// One thread's part in something its warp does together. The last lane of `mask` to arrive calls finish(part of every
// lane) for each of them, while all their stacks are intact.
struct WarpPart {
  uint32_t mask = 0;
  const void* in = nullptr;
  void* out = nullptr;
  void* self = nullptr;
  void (*finish)(void* self, const WarpPart* lanes, uint32_t present) = nullptr;
};
void warp_meet(const WarpPart& part);
int lane();

// What the lanes of `mask` hand in, readable by each of them: result(at) is evaluated per lane, where at(k) is lane k's
// value, or poison if k does not take part.
template <class T, class Result>
auto warp(uint32_t mask, const T& value, const Result& result) {
  struct Values {
    const WarpPart* lanes;
    uint32_t present;
    T operator()(int k) const {
      if (k >= 0 && k < 32 && present >> k & 1) return *static_cast<const T*>(lanes[k].in);
      T poison;
      __builtin_memset(&poison, 0xff, sizeof(T));
      return poison;
    }
  };
  using R = decltype(result(Values{}));
  R out;
  WarpPart part;
  part.mask = mask;
  part.in = &value;
  part.out = &out;
  part.self = const_cast<Result*>(&result);
  part.finish = [](void* self, const WarpPart* lanes, uint32_t present) {
    // Each lane's own closure (its source lane, say) writes its own result.
    for (int k = 0; k < 32; ++k)
      if (present >> k & 1)
        *static_cast<R*>(lanes[k].out) = (*static_cast<const Result*>(lanes[k].self))(Values{lanes, present});
  };
  warp_meet(part);
  return out;
}

}  // namespace tfmini::sim

// core/ptx.cuh for the simulator. Fragments are laid out as the PTX manual draws them; copies arrive when the thread
// waits for them, not before, so that a wait left out shows.
#pragma once

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "core/half.h"
#include "sim/fibers.h"

namespace tfmini::cuda {

using SharedAddress = uint32_t;
inline SharedAddress shared_address(const void* p) {
  return static_cast<uint32_t>(static_cast<const char*>(p) - static_cast<char*>(sim::dynamic_shared()));
}
inline void* shared_pointer(SharedAddress at) { return static_cast<char*>(sim::dynamic_shared()) + at; }
inline uint32_t load_shared(SharedAddress at) {
  uint32_t v;
  std::memcpy(&v, shared_pointer(at), 4);
  return v;
}

// Shared memory that threads have written and not yet shown to the asynchronous proxy, through which tensor cores of
// sm_90a and the copy engine read: per 16 bytes of a gang's memory, who wrote there (ordinary stores are not seen
// here).
class UnfencedWrites {
 public:
  static UnfencedWrites& get() {
    static auto* writes = new UnfencedWrites;
    if (writes->gang_ != sim::gang_number()) {
      writes->gang_ = sim::gang_number();
      writes->writer_.clear();
      writes->units_.clear();
    }
    return *writes;
  }
  void add(const void* at, size_t bytes) {
    for (size_t u = unit(at); u <= unit(static_cast<const char*>(at) + bytes - 1); ++u) {
      if (u >= writer_.size()) writer_.resize(u + 1024);
      if (writer_[u] == thread()) continue;
      writer_[u] = thread();
      units_[thread()].push_back(u);
    }
  }
  // fence.proxy.async, by this thread for its own.
  void fence() {
    for (size_t u : units_[thread()])
      if (writer_[u] == thread()) writer_[u] = 0;
    units_[thread()].clear();
  }
  // The copy engine has written there.
  void forget(const void* at, size_t bytes) {
    for (size_t u = unit(at); u < writer_.size() && u <= unit(static_cast<const char*>(at) + bytes - 1); ++u)
      writer_[u] = 0;
  }
  bool any() const { return !writer_.empty(); }
  bool has(const void* at) const { return unit(at) < writer_.size() && writer_[unit(at)] != 0; }

 private:
  static size_t unit(const void* at) {
    return static_cast<size_t>(static_cast<const char*>(at) - static_cast<char*>(sim::dynamic_shared(0))) / 16;
  }
  static int thread() { return sim::gang_rank() * sim::kMaxThreads + static_cast<int>(threadIdx.x) + 1; }

  uint64_t gang_ = 0;
  std::vector<int> writer_;  // 0: nobody
  std::map<int, std::vector<size_t>> units_;
};

inline void store_shared(SharedAddress at, uint16_t v) {
  std::memcpy(shared_pointer(at), &v, 2);
  UnfencedWrites::get().add(shared_pointer(at), 2);
}

class CopyGroups {
 public:
  template <int kBytes>
  void copy(SharedAddress to, const void* from, const void*) {
    if (to % kBytes || reinterpret_cast<uintptr_t>(from) % kBytes) sim::trap("cp.async: address not aligned");
    open_.push_back({to, from, kBytes});
  }
  void commit() { groups_.push_back(std::move(open_)), open_.clear(); }
  template <int kPending>
  void wait() {
    while (groups_.size() > kPending) {
      for (const Copy& c : groups_.front()) {
        if (c.from)
          std::memcpy(shared_pointer(c.to), c.from, c.bytes);
        else
          std::memset(shared_pointer(c.to), 0, c.bytes);
        UnfencedWrites::get().add(shared_pointer(c.to), c.bytes);
      }
      groups_.erase(groups_.begin());
    }
  }

 private:
  struct Copy {
    SharedAddress to;
    const void* from;
    size_t bytes;
  };
  std::vector<Copy> open_;
  std::vector<std::vector<Copy>> groups_;
};

inline void load_matrices(uint32_t (&r)[4], SharedAddress row) {
  if (row % 16) sim::trap("ldmatrix: row not aligned");
  struct Regs {
    uint32_t v[4];
  };
  const int lane = sim::lane();
  const Regs out = sim::warp(~0u, row, [lane](auto&& at) {
    Regs regs;
    for (int q = 0; q < 4; ++q) regs.v[q] = load_shared(at(8 * q + lane / 4) + 4 * static_cast<uint32_t>(lane % 4));
    return regs;
  });
  std::memcpy(r, out.v, sizeof r);
}
inline void load_matrices_transposed(uint32_t (&r)[4], SharedAddress row) {
  if (row % 16) sim::trap("ldmatrix: row not aligned");
  struct Regs {
    uint16_t v[4][2];
  };
  const int lane = sim::lane();
  const Regs out = sim::warp(~0u, row, [lane](auto&& at) {
    Regs regs;
    for (int q = 0; q < 4; ++q)
      for (int i = 0; i < 2; ++i)
        std::memcpy(&regs.v[q][i], static_cast<char*>(shared_pointer(at(8 * q + 2 * (lane % 4) + i))) + 2 * (lane / 4),
                    2);
    return regs;
  });
  std::memcpy(r, out.v, sizeof r);
}

inline uint32_t round_to_tf32(uint32_t v) { return (v & 0x7f800000u) == 0x7f800000u ? v : (v + 0x1000u) & ~0x1fffu; }

// Element i of a register that holds 4 / sizeof(T) of them. TF32 ignores the bits it has no room for.
template <class T>
float fragment_element(uint32_t reg, int i) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<float>(reg & ~0x1fffu);
  } else {
    T half;
    half.bits = static_cast<uint16_t>(reg >> (16 * i));
    return half;
  }
}

template <class T>
void mma(float* d, const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  constexpr int kPer = 4 / sizeof(T), kHalf = 4 * kPer;  // elements of a register, and of 16 bytes along k
  struct Operands {
    uint32_t a[4], b[2];
  } mine;
  std::memcpy(mine.a, a, sizeof a);
  std::memcpy(mine.b, b, sizeof b);
  struct Sums {
    float v[4];
  };
  const int lane = sim::lane();
  const Sums sums = sim::warp(~0u, mine, [lane](auto&& at) {
    Sums s = {};
    // Both operands have register k / kHalf (+ 1 for A's lower rows) of lane (row or column) * 4 + k % kHalf / kPer.
    for (int quad = 0; quad < 4; ++quad) {
      const Operands rows = at(lane / 4 * 4 + quad);
      for (int col = 0; col < 2; ++col) {
        const Operands cols = at((lane % 4 * 2 + col) * 4 + quad);
        for (int half = 0; half < 2; ++half)
          for (int e = 0; e < kPer; ++e)
            for (int lower = 0; lower < 2; ++lower)
              s.v[2 * lower + col] +=
                  fragment_element<T>(rows.a[2 * half + lower], e) * fragment_element<T>(cols.b[half], e);
      }
    }
    return s;
  });
  static_assert(kHalf * sizeof(T) == 16);
  for (int i = 0; i < 4; ++i) d[i] += sums.v[i];
}

template <class T>
uint32_t pack2(float low, float high) {
  return T(low).bits | static_cast<uint32_t>(T(high).bits) << 16;
}

}  // namespace tfmini::cuda

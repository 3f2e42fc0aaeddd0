// core/hopper.cuh for the simulator. A warpgroup's products are computed, by each thread for its own sums, when it
// waits for them: what was overwritten too early shows, and so does what they read without a fence between the proxies.
// Copies of boxes arrive at once, and must find a barrier that expects no more and no less.
#pragma once

#include <cstring>
#include <vector>

#include "sim/builtins.h"
#include "sim/ptx.h"

namespace tfmini::cuda {

struct SimTensorMap {
  TensorShape shape;
};
static_assert(sizeof(SimTensorMap) <= sizeof(TensorMap));

inline bool encode_tensor_map(TensorMap* map, const TensorShape& shape) {
  const auto multiple = [](int64_t n) { return n > 0 && n % 16 == 0 && n < int64_t{1} << 40; };
  if (reinterpret_cast<uintptr_t>(shape.data) % 16 || !multiple(shape.row_stride) || !multiple(shape.batch_stride) ||
      shape.cols < 1 || shape.rows < 1 || shape.batch < 1 || shape.box_rows > 256)
    return false;
  const SimTensorMap sim{shape};
  std::memcpy(map->bytes, &sim, sizeof sim);
  return true;
}

struct SimBarrier {
  uint16_t pending, count;
  int32_t bytes : 31;
  uint32_t phase : 1;

  void end_phase_if_complete() {
    if (pending || bytes) return;
    pending = count;
    phase ^= 1;
  }
};
static_assert(sizeof(SimBarrier) == 8);
inline SimBarrier& sim_barrier(SharedAddress at, int rank = sim::gang_rank()) {
  if (at % 8) sim::trap("mbarrier: address not aligned");
  return *reinterpret_cast<SimBarrier*>(static_cast<char*>(sim::dynamic_shared(rank)) + at);
}

inline void barrier_init(SharedAddress barrier, int count) {
  sim_barrier(barrier) = {static_cast<uint16_t>(count), static_cast<uint16_t>(count), 0, 0};
}
inline void barrier_fence() {}
inline int cluster_rank() { return sim::gang_rank(); }
inline void cluster_sync() { sim::gang_barrier(); }
inline void barrier_arrive_at(SharedAddress barrier, int rank) {
  SimBarrier& b = sim_barrier(barrier, rank);
  if (b.pending == 0) sim::trap("mbarrier: more arrivals than the barrier counts");
  --b.pending;
  b.end_phase_if_complete();
}
inline void barrier_arrive(SharedAddress barrier) { barrier_arrive_at(barrier, sim::gang_rank()); }
inline void barrier_expect(SharedAddress barrier, int bytes) {
  sim_barrier(barrier).bytes += bytes;
  barrier_arrive(barrier);
}
inline void barrier_wait(SharedAddress barrier, uint32_t parity) {
  while (sim_barrier(barrier).phase == parity) sim::wait_for_others();
}

inline void fence_async() { UnfencedWrites::get().fence(); }
inline void prefetch_tensor_map(const TensorMap*) {}
inline void copy_box_to(int rank, SharedAddress to, const TensorMap* map, SharedAddress barrier, int col, int row,
                        int batch) {
  char* const memory = static_cast<char*>(sim::dynamic_shared(rank));
  if (to % 1024) sim::trap("TMA: a box with the 128-byte swizzle must begin at a multiple of 1024 bytes");
  SimTensorMap m;
  std::memcpy(&m, map->bytes, sizeof m);
  const TensorShape& s = m.shape;
  const int size = s.element == TensorElement::kTF32 ? 4 : 2, box_cols = 128 / size;
  for (int r = 0; r < s.box_rows; ++r)
    for (int c = 0; c < box_cols; ++c) {
      uint32_t v = 0;
      if (row + r >= 0 && row + r < s.rows && col + c >= 0 && col + c < s.cols && batch < s.batch)
        std::memcpy(&v,
                    static_cast<const char*>(s.data) + batch * s.batch_stride + (row + r) * s.row_stride +
                        int64_t{col + c} * size,
                    static_cast<size_t>(size));
      if (size == 4) v = round_to_tf32(v);
      const SharedAddress at = to + static_cast<uint32_t>(r * 128 + c * size);
      std::memcpy(memory + (at ^ (at >> 3 & 0x70)), &v, static_cast<size_t>(size));
    }
  UnfencedWrites::get().forget(memory + to, static_cast<size_t>(s.box_rows) * 128);
  SimBarrier& b = sim_barrier(barrier, rank);
  b.bytes -= s.box_rows * 128;
  b.end_phase_if_complete();
}
inline void copy_box(SharedAddress to, const TensorMap* map, SharedAddress barrier, int col, int row, int batch) {
  copy_box_to(sim::gang_rank(), to, map, barrier, col, row, batch);
}
inline void copy_box_to_all(SharedAddress to, const TensorMap* map, SharedAddress barrier, int col, int row, int batch,
                            uint16_t blocks) {
  for (int rank = 0; rank < 16; ++rank)
    if (blocks >> rank & 1) copy_box_to(rank, to, map, barrier, col, row, batch);
}

template <int kRegisters>
void give_registers() {
  static_assert(kRegisters >= 24 && kRegisters <= 256 && kRegisters % 8 == 0);
}
template <int kRegisters>
void take_registers() {
  static_assert(kRegisters >= 24 && kRegisters <= 256 && kRegisters % 8 == 0);
}

inline uint64_t matrix_descriptor(SharedAddress at, int chunk, int group) {
  return static_cast<uint64_t>((at & 0x3ffff) >> 4) | static_cast<uint64_t>(chunk >> 4) << 16 |
         static_cast<uint64_t>(group >> 4) << 32 | uint64_t{1} << 62;
}

template <int kN>
class WarpgroupMma {
 public:
  using Sums = float[kN / 2];
  void begin() {}
  void hold(Sums&) {}
  template <class T, bool kAByK, bool kBByK>
  void multiply(Sums& d, uint64_t a, uint64_t b) {
    open_.push_back({&product<T, kAByK, kBByK>, d, a, b});
  }
  void commit() { groups_.push_back(std::move(open_)), open_.clear(); }
  template <int kPending>
  void wait() {
    __syncwarp();  // .sync.aligned: the lanes come here together, and no lane leaves before all
    while (groups_.size() > kPending) {
      for (const Product& p : groups_.front()) p.run(p.d, p.a, p.b);
      groups_.erase(groups_.begin());
    }
    __syncwarp();
  }

 private:
  struct Product {
    void (*run)(float*, uint64_t, uint64_t);
    float* d;
    uint64_t a, b;
  };

  // Element (outer, k) of an operand in this block's memory, in the layouts that the PTX manual calls canonical.
  template <class T, bool kByK>
  static float element(const char* memory, const UnfencedWrites* writes, uint64_t descriptor, int outer, int k) {
    const auto start = static_cast<uint32_t>(descriptor & 0x3fff) << 4;
    const auto chunk = static_cast<uint32_t>(descriptor >> 16 & 0x3fff) << 4;
    const auto group = static_cast<uint32_t>(descriptor >> 32 & 0x3fff) << 4;
    const auto o = static_cast<uint32_t>(outer), i = static_cast<uint32_t>(k);
    constexpr uint32_t kSize = sizeof(T);
    const uint32_t at = start + (kByK ? o / 8 * group + o % 8 * 128 + i * kSize
                                      : o / 64 * chunk + o % 64 * kSize + i / 8 * group + i % 8 * 128);
    const char* from = memory + (at ^ (at >> 3 & 0x70));
    if (writes && writes->has(from))
      sim::trap("wgmma: reads what a thread has written without fence.proxy.async after it");
    uint32_t v = 0;
    std::memcpy(&v, from, kSize);
    return fragment_element<T>(v, 0);
  }
  template <class T, bool kAByK, bool kBByK>
  static void product(float* d, uint64_t a, uint64_t b) {
    const int warp = static_cast<int>(threadIdx.x) % 128 / 32, lane = sim::lane();
    const char* const memory = static_cast<const char*>(sim::dynamic_shared());
    const UnfencedWrites* const writes = UnfencedWrites::get().any() ? &UnfencedWrites::get() : nullptr;
    constexpr int kDepth = 32 / sizeof(T);
    float rows[2][kDepth];
    for (int lower = 0; lower < 2; ++lower)
      for (int k = 0; k < kDepth; ++k)
        rows[lower][k] = element<T, kAByK>(memory, writes, a, 16 * warp + lane / 4 + 8 * lower, k);
    for (int j = 0; j < kN / 8; ++j)
      for (int e = 0; e < 2; ++e)
        for (int k = 0; k < kDepth; ++k) {
          const float x = element<T, kBByK>(memory, writes, b, 8 * j + 2 * (lane % 4) + e, k);
          d[4 * j + e] += rows[0][k] * x;
          d[4 * j + 2 + e] += rows[1][k] * x;
        }
  }

  std::vector<Product> open_;
  std::vector<std::vector<Product>> groups_;
};

}  // namespace tfmini::cuda

#include "sim/fibers.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "sim/context.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace tfmini::sim {
namespace {

// xorshift: only has to differ from launch to launch, and to be the same in every process.
class Shuffle {
 public:
  explicit Shuffle(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint32_t below(uint32_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>((state_ >> 32) % n);
  }
  // A permutation of 0..n-1 in O(1) memory: i -> (start + i * stride) mod n.
  struct Order {
    uint64_t n, start, stride;
    uint64_t operator()(uint64_t i) const { return (start + i * stride) % n; }
  };
  Order order(uint64_t n) {
    const uint32_t limit = static_cast<uint32_t>(n < 0x7fffffff ? n : 0x7fffffff);
    Order o{n, below(limit), below(limit) + 1};
    while (std::gcd(o.n, o.stride) != 1) ++o.stride;
    return o;
  }
  template <class T>
  void shuffle(std::vector<T>& v) {
    for (size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[below(static_cast<uint32_t>(i))]);
  }

 private:
  uint64_t state_;
};

struct Fiber {
  Context context;
  int thread = 0;  // the one it is in the middle of
};

class Gang {
 public:
  // Blocks first, first + 1, ...; their shared memory is `stride` bytes apart.
  void run(uint64_t first, int blocks, unsigned char* shared, size_t stride, const std::function<void()>& thread,
           Shuffle& shuffle);
  const char* error() const { return error_; }

  void block_barrier() {
    blocks_[rank()].at_barrier.push_back(current_);
    pause();
  }
  void gang_barrier() {
    at_barrier_.push_back(current_);
    pause();
  }
  void wait_for_others() {
    if (++waits_ > kMaxWaits) trap("threads wait for something that no other thread does");
    waiting_.push_back(current_);
    pause();
  }
  int rank() const { return current_->thread / block_threads_; }
  uint64_t number() const { return number_; }
  void* shared(int rank) const { return shared_ + static_cast<size_t>(rank) * stride_; }
  void warp_meet(const WarpPart& part);
  [[noreturn]] void trap(const char* message) {
    error_ = message;
    pause();
    std::abort();  // a fiber of a failed launch is never resumed
  }

 private:
  struct Warp {
    uint32_t alive = 0, waiting = 0;
    WarpPart parts[32];
    Fiber* fibers[32];
  };
  struct Block {
    int ended = 0;
    std::vector<Fiber*> at_barrier;
    std::vector<Warp> warps;
  };

  static void fiber_main(void* gang) { static_cast<Gang*>(gang)->work(); }
  void work();
  Fiber* idle_fiber();
  void resume(Fiber* fiber) {
    current_ = fiber;
    place(fiber->thread);
    switch_context(scheduler_, fiber->context);
  }
  void pause() { switch_context(current_->context, scheduler_); }
  void place(int thread) {
    const unsigned t = static_cast<unsigned>(thread % block_threads_);
    threadIdx = {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
    const uint64_t b = first_ + static_cast<uint64_t>(thread / block_threads_);
    blockIdx = {static_cast<unsigned>(b % gridDim.x), static_cast<unsigned>(b / gridDim.x % gridDim.y),
                static_cast<unsigned>(b / gridDim.x / gridDim.y)};
  }
  Warp& warp_of(int thread) {
    return blocks_[static_cast<size_t>(thread / block_threads_)]
        .warps[static_cast<size_t>(thread % block_threads_ / 32)];
  }
  // Those who wait at a barrier that all living threads have reached are ready.
  bool pass(std::vector<Fiber*>& at_barrier, int living, Shuffle& shuffle) {
    if (at_barrier.empty() || static_cast<int>(at_barrier.size()) != living) return false;
    ready_.swap(at_barrier);
    shuffle.shuffle(ready_);
    return true;
  }
  bool pass_barriers(Shuffle& shuffle) {
    for (Block& b : blocks_)
      if (pass(b.at_barrier, block_threads_ - b.ended, shuffle)) return true;
    return pass(at_barrier_, num_threads_ - ended_, shuffle);
  }
  void end_thread(int thread);
  void meet_if_complete(Warp& warp, uint32_t mask);

  const std::function<void()>* thread_ = nullptr;
  const char* error_ = nullptr;
  uint64_t first_ = 0, number_ = 0;
  unsigned char* shared_ = nullptr;
  size_t stride_ = 0;
  int block_threads_ = 1, num_threads_ = 0, started_ = 0, ended_ = 0;
  Shuffle::Order order_{};
  Context scheduler_;
  Fiber* current_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;  // all there are; reused by later gangs
  static constexpr int kMaxWaits = 10'000'000;  // of one gang
  int waits_ = 0;
  std::vector<Fiber*> idle_, ready_, at_barrier_, waiting_;
  std::vector<Block> blocks_;
};

Gang& the_gang() {
  static auto* gang = new Gang;  // fibers keep pointing to it
  return *gang;
}

void Gang::run(uint64_t first, int blocks, unsigned char* shared, size_t stride, const std::function<void()>& thread,
               Shuffle& shuffle) {
  thread_ = &thread;
  error_ = nullptr;
  first_ = first;
  ++number_;
  shared_ = shared;
  stride_ = stride;
  block_threads_ = static_cast<int>(blockDim.x * blockDim.y * blockDim.z);
  num_threads_ = blocks * block_threads_;
  started_ = ended_ = waits_ = 0;
  order_ = shuffle.order(static_cast<uint64_t>(num_threads_));
  blocks_.resize(static_cast<size_t>(blocks));
  for (Block& b : blocks_) {
    b.ended = 0;
    b.warps.resize(static_cast<size_t>((block_threads_ + 31) / 32));
    for (size_t w = 0; w < b.warps.size(); ++w) {
      const int lanes = block_threads_ - static_cast<int>(w) * 32;
      b.warps[w].alive = lanes >= 32 ? ~0u : (1u << lanes) - 1;
      b.warps[w].waiting = 0;
    }
  }
  while (!error_ && ended_ < num_threads_) {
    if (!ready_.empty()) {
      Fiber* fiber = ready_.back();
      ready_.pop_back();
      resume(fiber);
    } else if (started_ < num_threads_) {
      resume(idle_fiber());
    } else if (pass_barriers(shuffle)) {
      continue;
    } else if (!waiting_.empty()) {
      ready_.swap(waiting_);
      shuffle.shuffle(ready_);
    } else {
      error_ = "threads wait for each other forever: a __syncthreads or a warp operation that not all of them reach";
    }
  }
  if (error_) {  // fibers are stuck in the middle of the kernel: start afresh
    fibers_.clear();
    for (auto* waiting : {&idle_, &ready_, &at_barrier_, &waiting_}) waiting->clear();
    blocks_.clear();
  }
}

Fiber* Gang::idle_fiber() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
    fibers_.back()->context.start(&fiber_main, this);
    return fibers_.back().get();
  }
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

void Gang::work() {
  enter_context(scheduler_);
  for (;;) {
    Fiber* self = current_;
    while (started_ < num_threads_) {
      self->thread = static_cast<int>(order_(static_cast<uint64_t>(started_++)));
      place(self->thread);
      (*thread_)();
      end_thread(self->thread);
    }
    idle_.push_back(self);
    pause();
  }
}

void Gang::end_thread(int thread) {
  ++ended_;
  ++blocks_[static_cast<size_t>(thread / block_threads_)].ended;
  Warp& warp = warp_of(thread);
  warp.alive &= ~(1u << thread % block_threads_ % 32);
  // Lanes that have left are not waited for.
  for (int k = 0; k < 32 && warp.waiting; ++k)
    if (warp.waiting >> k & 1) meet_if_complete(warp, warp.parts[k].mask);
}

void Gang::meet_if_complete(Warp& warp, uint32_t mask) {
  const uint32_t present = mask & warp.alive;
  if ((warp.waiting & present) != present) return;
  const WarpPart& first = warp.parts[__builtin_ctz(present)];
  for (int k = 0; k < 32; ++k) {
    if (!(present >> k & 1)) continue;
    if (warp.parts[k].mask != mask) return;  // waits for another group
    if (warp.parts[k].finish != first.finish) trap("lanes of a warp meet at different warp operations");
  }
  first.finish(first.self, warp.parts, present);
  warp.waiting &= ~present;
  for (int k = 0; k < 32; ++k)
    if ((present >> k & 1) && warp.fibers[k] != current_) ready_.push_back(warp.fibers[k]);
}

void Gang::warp_meet(const WarpPart& part) {
  Warp& warp = warp_of(current_->thread);
  const int k = current_->thread % block_threads_ % 32;
  if (!(part.mask >> k & 1)) trap("a lane takes part in a warp operation whose mask leaves it out");
  warp.parts[k] = part;
  warp.fibers[k] = current_;
  warp.waiting |= 1u << k;
  meet_if_complete(warp, part.mask);
  if (warp.waiting >> k & 1) pause();
}

uint64_t next_seed() {
  static uint64_t launches = [] {
    const char* seed = std::getenv("TFMINI_CUDASIM_SEED");
    return seed ? std::strtoull(seed, nullptr, 10) << 32 : 0;
  }();
  return ++launches;
}

}  // namespace

const char* run_grid(dim3 grid, dim3 block, uint64_t gang, size_t dynamic_shared_bytes,
                     const std::function<void()>& thread) {
  gridDim = grid;
  blockDim = block;
  Shuffle shuffle(next_seed());
  // Its own allocation, so that an address sanitizer sees accesses beyond it. TMA wants 1024 bytes of alignment.
  const size_t stride = (dynamic_shared_bytes + 1023) / 1024 * 1024;
  std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(1024, gang * stride), std::free);
  auto* shared = static_cast<unsigned char*>(memory.get());
  for (uint64_t b = 0; b < gang; ++b)
    forbid_access(shared + b * stride + dynamic_shared_bytes, stride - dynamic_shared_bytes);
  const uint64_t gangs = static_cast<uint64_t>(grid.x) * grid.y * grid.z / gang;
  const Shuffle::Order order = shuffle.order(gangs);
  const char* error = nullptr;
  for (uint64_t i = 0; i < gangs && !error; ++i) {
    for (uint64_t b = 0; b < gang; ++b)
      std::memset(shared + b * stride, 0xff, dynamic_shared_bytes);  // NaN in every floating type
    the_gang().run(order(i) * gang, static_cast<int>(gang), shared, stride, thread, shuffle);
    error = the_gang().error();
  }
  allow_access(shared, gang * stride);
  return error;
}

void block_barrier() { the_gang().block_barrier(); }
void gang_barrier() { the_gang().gang_barrier(); }
void wait_for_others() { the_gang().wait_for_others(); }
int gang_rank() { return the_gang().rank(); }
uint64_t gang_number() { return the_gang().number(); }
void* dynamic_shared() { return the_gang().shared(the_gang().rank()); }
void* dynamic_shared(int rank) { return the_gang().shared(rank); }
void trap(const char* message) { the_gang().trap(message); }
void warp_meet(const WarpPart& part) { the_gang().warp_meet(part); }
int lane() { return static_cast<int>((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32); }

}  // namespace tfmini::sim

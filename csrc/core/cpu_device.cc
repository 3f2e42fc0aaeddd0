// The CPU device: a caching allocator in three layers.
//
//   thread cache   blocks of at most 4 KiB, per thread and size class, no locks
//   central cache  all freed blocks that are larger or spill over, one mutex
//   system         malloc for small blocks, mmap with huge pages from 2 MiB up
//
// Sizes are rounded up to a class: eight per power of two, so at most 1/8 is lost. A block is a
// 64-byte header, which is the Buffer object itself, followed by the data.
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <new>
#include <string>

#include "core/device.h"
#include "core/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
// Freed blocks, and the part of a block beyond what was asked for, trap under AddressSanitizer.
#define TFMINI_POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define TFMINI_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define TFMINI_POISON(p, n) (static_cast<void>(p), static_cast<void>(n))
#define TFMINI_UNPOISON(p, n) (static_cast<void>(p), static_cast<void>(n))
#endif

namespace tfmini {
namespace {

constexpr size_t kHeader = 64;
constexpr size_t kHugePage = size_t{2} << 20;
// The cache may hold as much as was ever in use at once, or this much; then it starts anew.
constexpr size_t kMinCacheBound = size_t{256} << 20;
// Pages come when they are touched, and the system would rather kill a process than refuse them: requests from here on
// are compared with what is available first.
constexpr size_t kLargeRequest = size_t{256} << 20;
// Per thread and class; beyond it half of the blocks move to the central cache.
constexpr int kMaxThreadBlocks = 64;

// Classes 0..7 are 64, 128, ..., 512 bytes; then eight per power of two.
constexpr int size_class(size_t bytes) {
  if (bytes <= 512) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) >> 6);
  const int top = std::bit_width(bytes - 1) - 1;
  return (top - 8) * 8 + static_cast<int>(((bytes - 1) >> (top - 3)) & 7);
}
constexpr size_t class_bytes(int c) {
  return c < 8 ? static_cast<size_t>(c + 1) << 6 : static_cast<size_t>(c % 8 + 9) << (c / 8 + 5);
}
constexpr int kClasses = 8 * 56;
constexpr int kSmallClasses = size_class(4096) + 1;
static_assert(class_bytes(size_class(512)) == 512 && class_bytes(size_class(513)) == 576);
static_assert(class_bytes(size_class(4096)) == 4096 && class_bytes(size_class(4097)) == 4608);

class Block final : public Buffer {
 public:
  explicit Block(int size_class)
      : Buffer(reinterpret_cast<char*>(this) + kHeader, class_bytes(size_class)), class_(size_class) {}
  int size_class() const { return class_; }
  void hand_out(size_t bytes) {
    set_refs(1);
    TFMINI_UNPOISON(data(), bytes);
  }

  Block* next = nullptr;  // in a free list

 private:
  void release() override;
  int class_;
};
static_assert(sizeof(Block) <= kHeader);

struct FreeList {
  Block* head = nullptr;
  int size = 0;
  void push(Block* b) {
    b->next = head;
    head = b;
    ++size;
  }
  Block* pop() {
    Block* b = head;
    if (b) {
      head = b->next;
      --size;
    }
    return b;
  }
};

// Memory this process may have: the machine's, or its control group's.
size_t physical_memory() {
  size_t total = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t limit;
  if (std::ifstream group("/sys/fs/cgroup/memory.max"); group >> limit) total = std::min(total, limit);
  return total;
}

// Memory that can be had without swapping or killing anybody; as much as wished for if the system does not say.
size_t available_memory() {
  std::ifstream info("/proc/meminfo");
  for (std::string word; info >> word;)
    if (size_t kib; word == "MemAvailable:" && info >> kib) return kib << 10;
  return SIZE_MAX;
}

void* system_allocate(size_t bytes) {
  if (bytes < kHugePage) return std::aligned_alloc(Device::kAlignment, (bytes + 63) & ~size_t{63});
  // Map more than needed and cut it to a huge-page boundary.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  bytes = (bytes + page - 1) & ~(page - 1);
  void* p = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(p);
  char* aligned = begin + (-reinterpret_cast<uintptr_t>(begin) & (kHugePage - 1));
  if (aligned != begin) munmap(begin, static_cast<size_t>(aligned - begin));
  if (const size_t tail = static_cast<size_t>(begin + kHugePage - aligned)) munmap(aligned + bytes, tail);
#if defined(MADV_HUGEPAGE)
  madvise(aligned, bytes, MADV_HUGEPAGE);
#endif
  return aligned;
}

void system_free(Block* block) {
  const size_t bytes = kHeader + block->bytes();
  TFMINI_UNPOISON(block->data(), block->bytes());
  block->~Block();
  if (bytes < kHugePage) return std::free(block);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  munmap(static_cast<void*>(block), (bytes + page - 1) & ~(page - 1));
}

// The free lists of one thread. Counters are written by their thread only and read by any.
struct ThreadCache {
  std::array<FreeList, kSmallClasses> free;
  std::atomic<int64_t> in_use{0};  // bytes this thread took minus bytes it returned
  ThreadCache* next = nullptr;

  void count(int64_t bytes) { in_use.store(in_use.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed); }
};

class CpuDevice final : public Device {
 public:
  CpuDevice() : Device(DeviceKind::kCPU, 0), memory_(physical_memory()) {
    // A child starts with the locks free and the cache of the thread that forked.
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().mutex_.unlock(); });
  }

  // Never destroyed: buffers may be released while the process exits.
  static CpuDevice& instance() {
    static CpuDevice& device = *new CpuDevice;
    return device;
  }

  BufferRef allocate(size_t bytes) override {
    if (bytes > memory_) out_of_memory(bytes);
    const int c = size_class(bytes);
    Block* block = c < kSmallClasses ? take_small(c) : take_central(c);
    block->hand_out(bytes);
    return BufferRef(block);
  }

  void require(size_t bytes) override {
    if (bytes > memory_ || (bytes >= kLargeRequest && bytes > available_memory())) out_of_memory(bytes);
  }

  void put(Block* block) {
    TFMINI_POISON(block->data(), block->bytes());
    if (block->size_class() >= kSmallClasses) return put_central(block);
    ThreadCache* cache = thread_cache();
    if (!cache) return put_central(block);
    FreeList& list = cache->free[block->size_class()];
    list.push(block);
    cache->count(-static_cast<int64_t>(block->bytes()));
    if (list.size > kMaxThreadBlocks) spill(list, kMaxThreadBlocks / 2);
  }

  BufferRef allocate_host(size_t bytes) override { return allocate(bytes); }
  void copy_from_host(void* dst, const void* src, size_t bytes) override { copy(dst, src, bytes); }
  void copy_to_host(void* dst, const void* src, size_t bytes) override { copy(dst, src, bytes); }
  void copy_from_peer(void* dst, Device& from, const void* src, size_t bytes) override {
    from.copy_to_host(dst, src, bytes);
    from.synchronize();
  }
  void copy(void* dst, const void* src, size_t bytes) override {
    if (bytes) std::memcpy(dst, src, bytes);
  }
  void synchronize() override {}
  void synchronize_all() override {}
  uintptr_t queue_handle() override { return 0; }
  void wait_for(uintptr_t) override {}
  void let_wait(uintptr_t) override {}
  void begin_recording() override { no_queue(); }
  std::unique_ptr<Recording> end_recording() override { no_queue(); }
  void abandon_recording() override {}
  size_t total_memory() const override { return memory_; }
  void limit_memory(size_t, bool) override {}

  size_t bytes_in_use() const override {
    std::lock_guard lock(mutex_);
    return in_use();
  }
  size_t bytes_cached() const override {
    std::lock_guard lock(mutex_);
    return from_system_ - in_use();
  }

  // The lists of other threads stay with them.
  void trim() override {
    if (ThreadCache* cache = thread_cache())
      for (FreeList& list : cache->free) spill(list, 0);
    std::lock_guard lock(mutex_);
    release_cached();
  }

 private:
  [[noreturn]] static void no_queue() {
    fail(Code::kInternal, "the CPU runs its work at once: there is nothing to record");
  }

  Block* take_small(int c) {
    ThreadCache* cache = thread_cache();
    if (!cache) return take_central(c);
    Block* block = cache->free[c].pop();
    if (!block) {
      block = take_central(c);
      central_in_use_.fetch_sub(static_cast<int64_t>(block->bytes()), std::memory_order_relaxed);
    }
    cache->count(static_cast<int64_t>(block->bytes()));
    return block;
  }

  Block* take_central(int c) {
    const size_t bytes = class_bytes(c);
    std::lock_guard lock(mutex_);
    Block* block = nullptr;
    // A block up to half as large again is better than fresh memory.
    const int last = c < kSmallClasses ? c : std::min(c + 4, kClasses - 1);
    for (int i = c; i <= last && !block; ++i) block = free_[i].pop();
    if (!block) block = fresh(c, bytes);
    central_in_use_.fetch_add(static_cast<int64_t>(block->bytes()), std::memory_order_relaxed);
    peak_ = std::max(peak_, in_use_approximately());
    return block;
  }

  void put_central(Block* block) {
    std::lock_guard lock(mutex_);
    central_in_use_.fetch_sub(static_cast<int64_t>(block->bytes()), std::memory_order_relaxed);
    free_[block->size_class()].push(block);
    const size_t used = in_use_approximately();
    if (from_system_ - std::min(used, from_system_) > std::max(peak_, kMinCacheBound)) {
      release_cached();
      peak_ = used;
    }
  }

  Block* fresh(int c, size_t bytes) {
    void* memory = try_fresh(bytes);
    if (!memory) {
      release_cached();
      if (!(memory = try_fresh(bytes))) out_of_memory(bytes);
    }
    from_system_ += bytes;
    Block* block = new (memory) Block(c);
    TFMINI_POISON(block->data(), block->bytes());
    return block;
  }

  void* try_fresh(size_t bytes) const {
    if (from_system_ + bytes > memory_ || (bytes >= kLargeRequest && bytes > available_memory())) return nullptr;
    return system_allocate(kHeader + bytes);
  }

  void release_cached() {
    for (FreeList& list : free_)
      while (Block* block = list.pop()) {
        from_system_ -= block->bytes();
        system_free(block);
      }
  }

  // Moves blocks of this thread to the central cache until `keep` are left. They are free already,
  // so nothing is counted.
  void spill(FreeList& list, int keep) {
    std::lock_guard lock(mutex_);
    while (list.size > keep) {
      Block* block = list.pop();
      free_[block->size_class()].push(block);
    }
  }

  // Without the small blocks in use, which do not matter for the bound.
  size_t in_use_approximately() const {
    return static_cast<size_t>(std::max<int64_t>(0, central_in_use_.load(std::memory_order_relaxed)));
  }
  size_t in_use() const {
    int64_t sum = central_in_use_.load(std::memory_order_relaxed);
    for (const ThreadCache* t = threads_; t; t = t->next) sum += t->in_use.load(std::memory_order_relaxed);
    return static_cast<size_t>(std::max<int64_t>(0, sum));
  }

  [[noreturn]] void out_of_memory(size_t bytes) const {
    fail(Code::kResourceExhausted, "cannot allocate ", bytes, " bytes of host memory (", memory_ >> 20,
         " MiB in all); use smaller tensors or batches");
  }

  // nullptr while the thread ends: its cache has been handed back already.
  ThreadCache* thread_cache() {
    if (t_cache_) [[likely]]
      return t_cache_;
    return t_ended_ ? nullptr : make_thread_cache();
  }

  ThreadCache* make_thread_cache() {
    struct Owner {
      ThreadCache* cache = nullptr;
      ~Owner() {
        t_cache_ = nullptr;
        t_ended_ = true;
        instance().retire(cache);
      }
    };
    thread_local Owner owner;
    t_cache_ = owner.cache = new ThreadCache;
    std::lock_guard lock(mutex_);
    owner.cache->next = threads_;
    threads_ = owner.cache;
    return owner.cache;
  }

  void retire(ThreadCache* cache) {
    for (FreeList& list : cache->free) spill(list, 0);
    std::lock_guard lock(mutex_);
    ThreadCache** link = &threads_;
    while (*link != cache) link = &(*link)->next;
    *link = cache->next;
    central_in_use_.fetch_add(cache->in_use.load(std::memory_order_relaxed), std::memory_order_relaxed);
    delete cache;
  }

  static constinit thread_local ThreadCache* t_cache_;
  static constinit thread_local bool t_ended_;

  const size_t memory_;
  mutable std::mutex mutex_;
  std::array<FreeList, kClasses> free_;
  ThreadCache* threads_ = nullptr;
  size_t from_system_ = 0;  // bytes in all blocks, free or not
  size_t peak_ = 0;
  // Bytes in use less what the thread caches count.
  std::atomic<int64_t> central_in_use_{0};
};

constinit thread_local ThreadCache* CpuDevice::t_cache_ = nullptr;
constinit thread_local bool CpuDevice::t_ended_ = false;

void Block::release() { CpuDevice::instance().put(this); }

}  // namespace

std::string Device::name() const {
  return (kind_ == DeviceKind::kCPU ? "/device:CPU:" : "/device:GPU:") + std::to_string(index_);
}

Device& cpu_device() { return CpuDevice::instance(); }

}  // namespace tfmini

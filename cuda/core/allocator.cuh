// Device memory: a cache of freed blocks over the driver's pool.
//
// All work of a device is on one stream, so a block is reusable as soon as it is freed: whatever uses it next is queued
// after whatever used it last. The driver's pool below is ordered in the same way and gives memory back without
// waiting.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/device.h"

namespace tfmini::cuda {

// The blocks a recorded graph writes to: they are its own for as long as it may be replayed.
struct GraphMemory {
  explicit GraphMemory(class Allocator& owner) : owner(owner) {}
  ~GraphMemory();
  class Allocator& owner;
  std::multimap<size_t, void*> free;
};

class Allocator {
 public:
  Allocator(int device, cudaStream_t stream, std::string name);
  // From `memory` first, and for it, if a graph is being recorded.
  BufferRef allocate(size_t bytes, const std::shared_ptr<GraphMemory>& memory);
  void set_limit(size_t bytes, bool reserve);
  void trim();
  size_t in_use() const;
  size_t cached() const;

 private:
  friend class Block;
  friend struct GraphMemory;
  void put(void* data, size_t size, const std::shared_ptr<GraphMemory>& memory);
  void* take(size_t size);
  void* from_driver(size_t size);
  void release_cached();
  [[noreturn]] void out_of_memory(size_t bytes) const;

  int device_;
  cudaStream_t stream_;
  std::string name_;
  cudaMemPool_t pool_ = nullptr;
  mutable std::mutex mutex_;
  std::multimap<size_t, void*> free_;  // by size
  size_t total_ = 0;                   // taken from the pool
  size_t free_bytes_ = 0;
  size_t limit_ = SIZE_MAX;
};

// Host memory that the device reads and writes directly, kept for reuse once it has been pinned.
class PinnedMemory {
 public:
  // Pageable memory if no more can be pinned.
  BufferRef allocate(size_t bytes);
  void trim();

 private:
  friend class PinnedBlock;
  static constexpr size_t kMaxCached = size_t{256} << 20;
  std::mutex mutex_;
  std::multimap<size_t, void*> free_;
  size_t free_bytes_ = 0;
};

}  // namespace tfmini::cuda

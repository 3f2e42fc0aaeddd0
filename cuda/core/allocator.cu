#include "core/allocator.cuh"

#include <bit>

#include "core/device.cuh"
#include "core/error.h"

namespace tfmini::cuda {
namespace {

constexpr size_t kSmallest = 512;
constexpr size_t kPage = size_t{2} << 20;  // the driver's granularity

// Eight sizes per power of two, whole pages from 16 MiB on: at most an eighth is lost.
size_t rounded(size_t bytes) {
  if (bytes <= kSmallest) return kSmallest;
  const size_t step = std::min(std::bit_ceil(bytes) / 16, kPage);
  return (bytes + step - 1) / step * step;
}

}  // namespace

// A block knows the graph it was allocated for, if any: it goes back there.
class Block final : public Buffer {
 public:
  Block(void* data, size_t bytes, size_t size, Allocator& owner, std::shared_ptr<GraphMemory> memory)
      : Buffer(data, bytes), size_(size), owner_(owner), memory_(std::move(memory)) {}
  ~Block() override { owner_.put(data(), size_, memory_); }

 private:
  size_t size_;
  Allocator& owner_;
  std::shared_ptr<GraphMemory> memory_;
};

GraphMemory::~GraphMemory() {
  for (const auto& [size, data] : free) owner.put(data, size, nullptr);
}

Allocator::Allocator(int device, cudaStream_t stream, std::string name)
    : device_(device), stream_(stream), name_(std::move(name)) {
  cudaMemPoolProps props = {};
  props.allocType = cudaMemAllocationTypePinned;
  props.location.type = cudaMemLocationTypeDevice;
  props.location.id = device;
  check_cuda(cudaMemPoolCreate(&pool_, &props), "creating a memory pool");
  uint64_t keep = UINT64_MAX;  // until trim()
  check_cuda(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep), "configuring the memory pool");
}

BufferRef Allocator::allocate(size_t bytes, const std::shared_ptr<GraphMemory>& memory) {
  if (bytes > SIZE_MAX / 2) out_of_memory(bytes);
  const size_t size = rounded(bytes);
  void* data = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (memory) {
      const auto it = memory->free.find(size);
      if (it != memory->free.end()) {
        data = it->second;
        memory->free.erase(it);
      }
    }
    if (!data) data = take(size);
    if (!data) out_of_memory(bytes);
  }
  return BufferRef(new Block(data, bytes, size, *this, memory));
}

void Allocator::put(void* data, size_t size, const std::shared_ptr<GraphMemory>& memory) {
  std::lock_guard lock(mutex_);
  if (memory) {
    memory->free.emplace(size, data);
    return;
  }
  free_.emplace(size, data);
  free_bytes_ += size;
}

// A cached block of this size, else one from the driver; nullptr if there is no more.
void* Allocator::take(size_t size) {
  const auto it = free_.find(size);
  if (it != free_.end()) {
    void* data = it->second;
    free_.erase(it);
    free_bytes_ -= size;
    return data;
  }
  if (void* data = from_driver(size)) return data;
  release_cached();  // blocks of other sizes
  return from_driver(size);
}

void* Allocator::from_driver(size_t size) {
  if (size > limit_ || total_ > limit_ - size) return nullptr;
  check_cuda(cudaSetDevice(device_), "selecting the device");
  void* data = nullptr;
  const cudaError_t error = cudaMallocFromPoolAsync(&data, size, pool_, stream_);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears it: the next call must not report this one again
    return nullptr;
  }
  check_cuda(error, "allocating device memory");
  total_ += size;
  return data;
}

void Allocator::release_cached() {
  cudaSetDevice(device_);
  for (const auto& [size, data] : free_) {
    cudaFreeAsync(data, stream_);
    total_ -= size;
  }
  free_.clear();
  free_bytes_ = 0;
  cudaStreamSynchronize(stream_);
  cudaMemPoolTrimTo(pool_, 0);
}

void Allocator::set_limit(size_t bytes, bool reserve) {
  std::lock_guard lock(mutex_);
  limit_ = bytes;
  if (!reserve || total_ >= bytes) return;
  // Freed at once: the pool keeps the memory, which is what reserving it means.
  void* data = from_driver(bytes - total_);
  if (!data) out_of_memory(bytes - total_);
  total_ -= bytes - total_;
  cudaFreeAsync(data, stream_);
}

void Allocator::trim() {
  std::lock_guard lock(mutex_);
  release_cached();
}

size_t Allocator::in_use() const {
  std::lock_guard lock(mutex_);
  return total_ - free_bytes_;
}

size_t Allocator::cached() const {
  std::lock_guard lock(mutex_);
  return free_bytes_;
}

void Allocator::out_of_memory(size_t bytes) const {
  size_t free = 0, all = 0;
  cudaMemGetInfo(&free, &all);
  constexpr double kMiB = 1 << 20;
  const std::string limit = limit_ == SIZE_MAX ? "" : detail::concat(", limit ", limit_ / kMiB);
  fail(Code::kResourceExhausted, "out of memory on ", name_, ": ", bytes / kMiB, " MiB wanted; this process uses ",
       (total_ - free_bytes_) / kMiB, " MiB and caches ", free_bytes_ / kMiB, limit, "; ", free / kMiB, " of ",
       all / kMiB, " MiB are free on the device");
}

class PinnedBlock final : public Buffer {
 public:
  PinnedBlock(void* data, size_t bytes, size_t size, PinnedMemory& owner)
      : Buffer(data, bytes), size_(size), owner_(owner) {}
  ~PinnedBlock() override {
    std::lock_guard lock(owner_.mutex_);
    if (owner_.free_bytes_ + size_ > PinnedMemory::kMaxCached) {
      cudaFreeHost(data());
      return;
    }
    owner_.free_.emplace(size_, data());
    owner_.free_bytes_ += size_;
  }

 private:
  size_t size_;
  PinnedMemory& owner_;
};

BufferRef PinnedMemory::allocate(size_t bytes) {
  const size_t size = rounded(bytes);
  std::lock_guard lock(mutex_);
  const auto it = free_.find(size);
  if (it != free_.end()) {
    void* data = it->second;
    free_.erase(it);
    free_bytes_ -= size;
    return BufferRef(new PinnedBlock(data, bytes, size, *this));
  }
  void* data = nullptr;
  if (cudaHostAlloc(&data, size, cudaHostAllocPortable) != cudaSuccess) {
    cudaGetLastError();
    return cpu_device().allocate(bytes);
  }
  return BufferRef(new PinnedBlock(data, bytes, size, *this));
}

void PinnedMemory::trim() {
  std::lock_guard lock(mutex_);
  for (const auto& [size, data] : free_) cudaFreeHost(data);
  free_.clear();
  free_bytes_ = 0;
}

}  // namespace tfmini::cuda

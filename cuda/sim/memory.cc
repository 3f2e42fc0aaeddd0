#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "sim/context.h"
#include "sim/launch.h"
#include "sim/state.h"

namespace {

using namespace tfmini::sim;

// Before and after each block, to be found unchanged when it is freed.
constexpr size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xa5;

}  // namespace

struct CUmemPoolHandle_st {
  int device = 0;
  uint64_t used = 0, used_high = 0, reserved = 0, reserved_high = 0, threshold = 0;
};

namespace tfmini::sim {
namespace {

struct Block {
  size_t bytes = 0;
  bool on_device = true;
  int device = 0;
  cudaMemPool_t pool = nullptr;
  bool owned = true;  // false: host memory registered by its owner
};

std::map<uintptr_t, Block>& blocks() {
  static auto* all = new std::map<uintptr_t, Block>;
  return *all;
}
int accessing = 0;  // nesting of DeviceAccess

// The block that [p, p + bytes) lies in.
const Block* find(const void* p, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  auto it = blocks().upper_bound(at);
  if (it == blocks().begin()) return nullptr;
  --it;
  return at + bytes <= it->first + it->second.bytes ? &it->second : nullptr;
}

cudaMemPool_t default_pool(int device) {
  static auto* pools = new std::map<int, CUmemPoolHandle_st>;
  CUmemPoolHandle_st& pool = (*pools)[device];
  pool.device = device;
  return &pool;
}

size_t device_memory() {
  static const size_t bytes = [] {
    const char* mebibytes = std::getenv("TFMINI_CUDASIM_MEMORY");
    return (mebibytes ? std::strtoull(mebibytes, nullptr, 10) : 4096) << 20;
  }();
  return bytes;
}
size_t used_on(int device) {
  size_t total = 0;
  for (const auto& [at, b] : blocks())
    if (b.on_device && b.device == device) total += b.bytes;
  return total;
}

void* new_block(size_t bytes, const Block& block) {
  auto* memory = static_cast<unsigned char*>(std::aligned_alloc(256, (bytes + 2 * kGuard + 255) / 256 * 256));
  if (!memory) return nullptr;
  std::memset(memory, kGuardByte, kGuard);
  std::memset(memory + kGuard, 0xff, bytes);  // NaN in every floating type
  std::memset(memory + kGuard + bytes, kGuardByte, kGuard);
  forbid_access(memory, kGuard);
  forbid_access(memory + kGuard + bytes, kGuard);
  if (block.on_device && !accessing) forbid_access(memory + kGuard, bytes);
  blocks()[reinterpret_cast<uintptr_t>(memory + kGuard)] = block;
  return memory + kGuard;
}

void free_block(std::map<uintptr_t, Block>::iterator it) {
  auto* memory = reinterpret_cast<unsigned char*>(it->first) - kGuard;
  const size_t bytes = it->second.bytes;
  allow_access(memory, bytes + 2 * kGuard);
  for (size_t i = 0; i < kGuard; ++i)
    if (memory[i] != kGuardByte || memory[kGuard + bytes + i] != kGuardByte) {
      fail_asynchronously(cudaErrorIllegalAddress,
                          "a kernel wrote outside of a block of memory (found as it was freed)");
      break;
    }
  blocks().erase(it);
  std::free(memory);
}

cudaError_t allocate(void** p, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  const Lock lock(the_lock());
  *p = nullptr;
  if (capture_of(stream)) return result(cudaErrorStreamCaptureUnsupported);
  if (bytes == 0) return cudaSuccess;
  if (used_on(pool->device) + bytes > device_memory()) return result(cudaErrorMemoryAllocation);
  *p = new_block(bytes, {.bytes = bytes, .device = pool->device, .pool = pool});
  if (!*p) return result(cudaErrorMemoryAllocation);
  pool->used += bytes;
  pool->reserved = pool->used > pool->reserved ? pool->used : pool->reserved;
  pool->used_high = pool->used > pool->used_high ? pool->used : pool->used_high;
  pool->reserved_high = pool->reserved > pool->reserved_high ? pool->reserved : pool->reserved_high;
  return cudaSuccess;
}

void settle(cudaMemPool_t pool) {
  const uint64_t keep = pool->used > pool->threshold ? pool->used : pool->threshold;
  if (pool->reserved > keep) pool->reserved = keep;
}

// Copies of unpinned host memory take it as it is now, or are done when the call returns.
bool is_pinned(const void* p, size_t bytes) {
  const Block* block = find(p, bytes);
  return block && !block->on_device;
}

cudaError_t copy(void* dst, const void* src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const Lock lock(the_lock());
  if (bytes == 0) return cudaSuccess;
  const bool to_device = is_device_memory(dst, bytes), from_device = is_device_memory(src, bytes);
  // A range that begins in device memory but leaves its block is nobody's.
  if ((!to_device && is_device_memory(dst, 1)) || (!from_device && is_device_memory(src, 1)))
    return result(cudaErrorInvalidValue);
  const cudaMemcpyKind actual = static_cast<cudaMemcpyKind>((from_device ? 2 : 0) + (to_device ? 1 : 0));
  if (kind != cudaMemcpyDefault && kind != actual) return result(cudaErrorInvalidMemcpyDirection);
  auto move = [dst, bytes](const void* from) {
    const DeviceAccess access;
    std::memmove(dst, from, bytes);
  };
  const bool capturing = capture_of(stream) != nullptr;
  if (actual == cudaMemcpyHostToDevice && !is_pinned(src, bytes) && !capturing) {
    const auto* from = static_cast<const unsigned char*>(src);
    enqueue(stream,
            [move, copy = std::make_shared<std::vector<unsigned char>>(from, from + bytes)] { move(copy->data()); });
  } else {
    enqueue(stream, [move, src] { move(src); });
    if (!to_device && !is_pinned(dst, bytes) && !capturing) {
      drain(stream);
      return take_asynchronous_error();
    }
  }
  return cudaSuccess;
}

}  // namespace

DeviceAccess::DeviceAccess() {
  if (accessing++) return;
  for (const auto& [at, b] : blocks())
    if (b.on_device) allow_access(reinterpret_cast<void*>(at), b.bytes);
}
DeviceAccess::~DeviceAccess() {
  if (--accessing) return;
  for (const auto& [at, b] : blocks())
    if (b.on_device) forbid_access(reinterpret_cast<void*>(at), b.bytes);
}

bool is_device_memory(const void* p, size_t bytes) {
  const Block* block = find(p, bytes);
  return block && block->on_device;
}

bool is_device_accessible(const void* p) {
  const Lock lock(the_lock());
  return !p || find(p, 0);
}

}  // namespace tfmini::sim

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Lock lock(the_lock());
  *total = device_memory();
  *free = *total - used_on(current_device());
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy(dst, src, bytes, kind, stream);
}
cudaError_t cudaMemcpy(void* dst, const void* src, size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t error = copy(dst, src, bytes, kind, nullptr);
  return error ? error : cudaStreamSynchronize(nullptr);
}
cudaError_t cudaMemcpyPeerAsync(void* dst, int dst_device, const void* src, int src_device, size_t bytes,
                                cudaStream_t stream) {
  const Lock lock(the_lock());
  const Block *to = find(dst, bytes), *from = find(src, bytes);
  if (bytes && (!to || !from || to->device != dst_device || from->device != src_device))
    return result(cudaErrorInvalidValue);
  return copy(dst, src, bytes, cudaMemcpyDeviceToDevice, stream);
}
cudaError_t cudaMemsetAsync(void* dst, int value, size_t bytes, cudaStream_t stream) {
  const Lock lock(the_lock());
  if (bytes == 0) return cudaSuccess;
  if (!is_device_memory(dst, bytes)) return result(cudaErrorInvalidValue);
  enqueue(stream, [=] {
    const DeviceAccess access;
    std::memset(dst, value, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemset(void* dst, int value, size_t bytes) { return cudaMemsetAsync(dst, value, bytes, nullptr); }

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* props) {
  if (props->location.id < 0 || props->location.id >= num_devices()) return result(cudaErrorInvalidDevice);
  *pool = new CUmemPoolHandle_st;
  (*pool)->device = props->location.id;
  return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  const Lock lock(the_lock());
  if (pool->used) std::fprintf(stderr, "simulated CUDA device: a pool that still has memory in use was destroyed\n");
  drain(nullptr);
  for (auto& [at, b] : blocks())
    if (b.pool == pool) b.pool = default_pool(pool->device);
  delete pool;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Lock lock(the_lock());
  const uint64_t v = *static_cast<uint64_t*>(value);
  if (attribute == cudaMemPoolAttrReleaseThreshold) pool->threshold = v;
  if (attribute == cudaMemPoolAttrUsedMemHigh) pool->used_high = pool->used;
  if (attribute == cudaMemPoolAttrReservedMemHigh) pool->reserved_high = pool->reserved;
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const Lock lock(the_lock());
  auto& v = *static_cast<uint64_t*>(value);
  v = attribute == cudaMemPoolAttrReleaseThreshold     ? pool->threshold
      : attribute == cudaMemPoolAttrUsedMemCurrent     ? pool->used
      : attribute == cudaMemPoolAttrUsedMemHigh        ? pool->used_high
      : attribute == cudaMemPoolAttrReservedMemCurrent ? pool->reserved
      : attribute == cudaMemPoolAttrReservedMemHigh    ? pool->reserved_high
                                                       : 0;
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t keep) {
  const Lock lock(the_lock());
  const uint64_t least = pool->used > keep ? pool->used : keep;
  if (pool->reserved > least) pool->reserved = least;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAccess(cudaMemPool_t, const cudaMemAccessDesc*, size_t) { return cudaSuccess; }

cudaError_t cudaMallocFromPoolAsync(void** p, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return allocate(p, bytes, pool, stream);
}
cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t stream) {
  return allocate(p, bytes, default_pool(stream ? stream->device : current_device()), stream);
}
cudaError_t cudaMallocBytes(void** p, size_t bytes) {
  return allocate(p, bytes, default_pool(current_device()), nullptr);
}

// The pool counts the block as free at once; the memory goes when the stream gets there.
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  const Lock lock(the_lock());
  if (!p) return cudaSuccess;
  if (capture_of(stream)) return result(cudaErrorStreamCaptureUnsupported);
  auto it = blocks().find(reinterpret_cast<uintptr_t>(p));
  if (it == blocks().end() || !it->second.pool) return result(cudaErrorInvalidValue);
  cudaMemPool_t pool = std::exchange(it->second.pool, nullptr);
  pool->used -= it->second.bytes;
  settle(pool);
  enqueue(stream, [p] { free_block(blocks().find(reinterpret_cast<uintptr_t>(p))); });
  return cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  const cudaError_t error = cudaFreeAsync(p, nullptr);
  return error ? error : take_asynchronous_error();
}

cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) {
  const Lock lock(the_lock());
  *p = new_block(bytes, {.bytes = bytes, .on_device = false});
  return result(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* p) {
  const Lock lock(the_lock());
  if (!p) return cudaSuccess;
  auto it = blocks().find(reinterpret_cast<uintptr_t>(p));
  if (it == blocks().end() || it->second.on_device || !it->second.owned) return result(cudaErrorInvalidValue);
  drain(nullptr);
  free_block(it);
  return cudaSuccess;
}
cudaError_t cudaHostRegister(void* p, size_t bytes, unsigned) {
  const Lock lock(the_lock());
  if (find(p, 0)) return result(cudaErrorHostMemoryAlreadyRegistered);
  blocks()[reinterpret_cast<uintptr_t>(p)] = {.bytes = bytes, .on_device = false, .owned = false};
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* p) {
  const Lock lock(the_lock());
  auto it = blocks().find(reinterpret_cast<uintptr_t>(p));
  if (it == blocks().end() || it->second.owned) return result(cudaErrorInvalidValue);
  drain(nullptr);
  blocks().erase(it);
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* a, const void* p) {
  const Lock lock(the_lock());
  const Block* block = find(p, 0);
  *a = {};
  if (!block) return cudaSuccess;
  a->type = block->on_device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
  a->device = block->device;
  a->devicePointer = const_cast<void*>(p);
  a->hostPointer = block->on_device ? nullptr : const_cast<void*>(p);
  return cudaSuccess;
}

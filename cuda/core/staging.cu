#include "core/staging.cuh"

#include <algorithm>
#include <cstring>

#include "core/device.cuh"

namespace tfmini::cuda {

void Staging::copy(void* dst, const void* src, size_t bytes, cudaStream_t stream) {
  constexpr size_t kAlign = 64;
  std::lock_guard lock(mutex_);
  if (!parts_[0].data) open();
  while (bytes > 0) {
    // Small copies follow each other in one part; a large one fills part after part while the device reads.
    if (used_ == kPart || (bytes <= kPart && bytes > kPart - used_)) next(stream);
    const size_t n = std::min(bytes, kPart - used_);
    char* staged = parts_[current_].data + used_;
    std::memcpy(staged, src, n);
    check_cuda(cudaMemcpyAsync(dst, staged, n, cudaMemcpyHostToDevice, stream), "copying to the device");
    used_ = std::min(kPart, used_ + (n + kAlign - 1) / kAlign * kAlign);
    dst = static_cast<char*>(dst) + n;
    src = static_cast<const char*>(src) + n;
    bytes -= n;
  }
}

void Staging::open() {
  for (Part& p : parts_) {
    check_cuda(cudaHostAlloc(reinterpret_cast<void**>(&p.data), kPart, cudaHostAllocDefault),
               "allocating pinned memory");
    check_cuda(cudaEventCreateWithFlags(&p.read, cudaEventDisableTiming), "creating an event");
  }
}

// Goes on to the next part, once the device has read what is in there.
void Staging::next(cudaStream_t stream) {
  check_cuda(cudaEventRecord(parts_[current_].read, stream), "recording an event");
  current_ = (current_ + 1) % parts_.size();
  used_ = 0;
  check_cuda(cudaEventSynchronize(parts_[current_].read), "waiting for the device");
}

}  // namespace tfmini::cuda

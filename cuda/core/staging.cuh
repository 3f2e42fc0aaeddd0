// The way of fed arrays to a device: through a ring of pinned memory, since the device cannot read pageable memory by
// itself and the program may change a fed array as soon as its run returns.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <mutex>

namespace tfmini::cuda {

class Staging {
 public:
  explicit Staging(int device) : device_(device) {}
  // Returns when `src` has been read; the copy itself is queued.
  void copy(void* dst, const void* src, size_t bytes, cudaStream_t stream);

 private:
  static constexpr size_t kPart = size_t{4} << 20;
  struct Part {
    char* data = nullptr;
    cudaEvent_t read = nullptr;  // recorded behind the last copy out of it
  };
  void open();
  void next(cudaStream_t stream);

  int device_;
  std::mutex mutex_;
  std::array<Part, 4> parts_;
  size_t current_ = 0, used_ = 0;
};

}  // namespace tfmini::cuda

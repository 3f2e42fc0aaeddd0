// Arrays on the device, for the tests of CUDA code.
#pragma once

#include <random>
#include <vector>

#include "core/device.h"

namespace tfmini::cuda {

// `offset` elements into a buffer: an address that allows no vectors, if wanted.
template <class T>
class DeviceArray {
 public:
  DeviceArray(Device& device, const std::vector<T>& values, int64_t offset = 0)
      : device_(device),
        size_(values.size()),
        buffer_(device.allocate((values.size() + static_cast<size_t>(offset)) * sizeof(T))),
        data_(static_cast<T*>(buffer_->data()) + offset) {
    device.copy_from_host(data_, values.data(), size_ * sizeof(T));
    device.synchronize();
  }
  T* data() const { return data_; }
  std::vector<T> get() const {
    std::vector<T> out(size_);
    device_.copy_to_host(out.data(), data_, size_ * sizeof(T));
    device_.synchronize();
    return out;
  }

 private:
  Device& device_;
  size_t size_;
  BufferRef buffer_;
  T* data_;
};

// Values of few bits: products are exact in every type, sums nearly so.
template <class T>
std::vector<T> random_values(int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = T(static_cast<float>(static_cast<int>(random() % 33) - 16) / 8);
  return v;
}

}  // namespace tfmini::cuda

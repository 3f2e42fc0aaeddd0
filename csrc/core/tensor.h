// A dense row-major tensor: dtype, shape, and a pointer into a shared buffer. Without a buffer the
// memory is borrowed: a fed array or a plan's arena, valid until the run ends.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/shape.h"

namespace tfmini {

class Tensor {
 public:
  Tensor() = default;
  // Uninitialised host tensor (strings are empty strings, variants are null).
  Tensor(DType dtype, const Shape& shape) : Tensor(cpu_device(), dtype, shape) {}
  Tensor(Device& device, DType dtype, const Shape& shape);
  // A view of `buffer` starting at `data`, in the memory of the device with this ordinal.
  Tensor(DType dtype, const Shape& shape, BufferRef buffer, void* data, uint8_t device = 0)
      : buffer_(std::move(buffer)), data_(data), shape_(shape), dtype_(dtype), device_(device) {}

  template <class T>
  static Tensor scalar(T value) {
    Tensor t(dtype_of<T>, Shape{});
    t.data<T>()[0] = std::move(value);
    return t;
  }
  template <class T>
  static Tensor vector(const std::vector<T>& values) {
    Tensor t(dtype_of<T>, Shape{static_cast<int64_t>(values.size())});
    for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
    return t;
  }

  bool defined() const { return dtype_ != DType::kInvalid; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int axis) const { return shape_.dim(axis); }
  int64_t num_elements() const { return shape_.product(0, shape_.rank()); }
  size_t bytes() const { return static_cast<size_t>(num_elements()) * dtype_size(dtype_); }

  template <class T>
  T* data() {
    return static_cast<T*>(data_);
  }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(data_);
  }
  void* raw() { return data_; }
  const void* raw() const { return data_; }
  const BufferRef& buffer() const { return buffer_; }
  // Where the elements are: a Device::ordinal().
  uint8_t device() const { return device_; }
  bool on_host() const { return device_ == 0; }

  // Same elements, other shape of equal size.
  Tensor reshaped(const Shape& shape) const { return Tensor(dtype_, shape, buffer_, data_, device_); }
  // A copy on the same device that owns its memory.
  Tensor clone() const;
  // Itself if it owns its memory, else such a copy.
  Tensor owned() const { return buffer_ || !defined() ? *this : clone(); }
  // Any integer dtype read as int64; the caller has checked index and dtype.
  int64_t int_at(int64_t index) const;
  // Elements of an int32/int64 tensor of rank <= 1.
  std::vector<int64_t> to_ints() const;
  // The same as a shape, in which -1 stands for an unknown dimension; throws for what cannot be one.
  Shape to_shape() const;

 private:
  BufferRef buffer_;
  void* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::kInvalid;
  uint8_t device_ = 0;
};

// Copies elements between tensors of equal dtype and size (strings and variants too). What arrives on the host is
// there on return; other copies are queued on their device.
void copy_elements(const Tensor& from, Tensor& to);

}  // namespace tfmini

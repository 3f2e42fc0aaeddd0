#include "core/tensor.h"

#include <algorithm>
#include <memory>

#include "core/devices.h"

namespace tfmini {
namespace {

// Owns an array of C++ objects (strings, variants) instead of raw bytes.
template <class T>
class ObjectBuffer final : public Buffer {
 public:
  explicit ObjectBuffer(size_t count) : ObjectBuffer(make(count), count) {}
  ~ObjectBuffer() override { delete[] objects_; }

 private:
  static T* make(size_t count) {
    size_t bytes;
    cpu_device().require(__builtin_mul_overflow(count, sizeof(T), &bytes) ? SIZE_MAX : bytes);
    return new T[count]();
  }
  ObjectBuffer(T* objects, size_t count) : Buffer(objects, count * sizeof(T)), objects_(objects) {}
  T* objects_;
};

template <class T>
void copy_as(const Tensor& from, Tensor& to) {
  std::copy_n(from.data<T>(), from.num_elements(), to.data<T>());
}

}  // namespace

Tensor::Tensor(Device& device, DType dtype, const Shape& shape) : shape_(shape), dtype_(dtype) {
  check(shape.fully_defined(), "cannot allocate a tensor of shape ", shape,
        ": its dimensions must be known and not negative");
  const size_t n = static_cast<size_t>(shape.num_elements());
  if (dtype == DType::kString) {
    buffer_ = BufferRef(new ObjectBuffer<std::string>(n));
  } else if (!is_pod(dtype)) {
    buffer_ = BufferRef(new ObjectBuffer<std::shared_ptr<void>>(n));
  } else {
    size_t bytes;
    if (__builtin_mul_overflow(n, dtype_size(dtype), &bytes) || bytes > (size_t{1} << 62))
      fail(Code::kResourceExhausted, "a ", dtype_name(dtype), " tensor of shape ", shape, " is too large");
    device_ = device.ordinal();
    try {
      buffer_ = device.allocate(bytes);
    } catch (const Error& e) {
      if (device_ == 0 || e.code() != Code::kResourceExhausted) throw;
      fail(e.code(), e.message(), "; it was wanted for a ", dtype_name(dtype), " tensor of shape ", shape);
    }
  }
  data_ = buffer_->data();
}

Tensor Tensor::clone() const {
  Tensor out(device_at(device_), dtype_, shape_);
  copy_elements(*this, out);
  return out;
}

int64_t Tensor::int_at(int64_t i) const {
  switch (dtype_) {
    case DType::kInt32:
      return data<int32_t>()[i];
    case DType::kInt64:
      return data<int64_t>()[i];
    case DType::kInt16:
      return data<int16_t>()[i];
    case DType::kInt8:
      return data<int8_t>()[i];
    case DType::kUInt8:
      return data<uint8_t>()[i];
    case DType::kUInt16:
      return data<uint16_t>()[i];
    case DType::kUInt32:
      return data<uint32_t>()[i];
    case DType::kUInt64:
      return static_cast<int64_t>(data<uint64_t>()[i]);
    default:
      invalid_argument("expected an integer tensor, got ", dtype_name(dtype_));
  }
}

std::vector<int64_t> Tensor::to_ints() const {
  std::vector<int64_t> out(static_cast<size_t>(num_elements()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = int_at(static_cast<int64_t>(i));
  return out;
}

Shape Tensor::to_shape() const {
  check(rank() <= 1, "a shape must be a vector, got a tensor of shape ", shape_);
  Shape out;
  for (int64_t i = 0; i < num_elements(); ++i) {
    out.add_dim(int_at(i));
    check(out.dim(-1) >= -1, "dimension ", i, " of a shape is negative: ", out.dim(-1));
  }
  return out;
}

void copy_elements(const Tensor& from, Tensor& to) {
  if (from.dtype() == DType::kString) return copy_as<std::string>(from, to);
  if (!is_pod(from.dtype())) return copy_as<std::shared_ptr<void>>(from, to);
  const size_t n = from.bytes();
  if (n == 0) return;
  if (from.on_host() && to.on_host()) {
    std::memcpy(to.raw(), from.raw(), n);
  } else if (from.on_host()) {
    device_at(to.device()).copy_from_host(to.raw(), from.raw(), n);
  } else if (to.on_host()) {
    device_at(from.device()).copy_to_host(to.raw(), from.raw(), n);
    device_at(from.device()).synchronize();
  } else if (from.device() == to.device()) {
    device_at(to.device()).copy(to.raw(), from.raw(), n);
  } else {
    device_at(to.device()).copy_from_peer(to.raw(), device_at(from.device()), from.raw(), n);
  }
}

}  // namespace tfmini

// Kernels that only move elements are written once per element size, not once per dtype.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "core/dtype.h"
#include "core/error.h"

namespace tfmini {

struct alignas(8) Bits128 {
  uint64_t low, high;
};

// Calls fn(std::type_identity<T>{}) with a T that copies elements of this dtype: an unsigned
// integer of the same size, std::string, or the pointer type behind resources and variants.
template <class Fn>
void with_element(DType dtype, const Fn& fn) {
  if (dtype == DType::kString) return fn(std::type_identity<std::string>{});
  if (!is_pod(dtype)) return fn(std::type_identity<std::shared_ptr<void>>{});
  switch (dtype_size(dtype)) {
    case 1:
      return fn(std::type_identity<uint8_t>{});
    case 2:
      return fn(std::type_identity<uint16_t>{});
    case 4:
      return fn(std::type_identity<uint32_t>{});
    case 8:
      return fn(std::type_identity<uint64_t>{});
    case 16:
      return fn(std::type_identity<Bits128>{});
    default:
      fail(Code::kInternal, "no element type for dtype ", dtype_name(dtype));
  }
}

// Calls fn(std::type_identity<T>{}) with the C++ type of an index dtype.
template <class Fn>
void with_index(DType dtype, const Fn& fn) {
  switch (dtype) {
    case DType::kInt32:
      return fn(std::type_identity<int32_t>{});
    case DType::kInt64:
      return fn(std::type_identity<int64_t>{});
    case DType::kInt16:
      return fn(std::type_identity<int16_t>{});
    case DType::kUInt8:
      return fn(std::type_identity<uint8_t>{});
    default:
      invalid_argument("indices must be integers, got ", dtype_name(dtype));
  }
}

}  // namespace tfmini

// Kernels that only move elements: written per element size, for units as wide as rows and addresses allow.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

namespace tfmini::cuda {

// Calls fn(std::type_identity<T>{}) with a T of 1, 2, 4, 8 or 16 bytes.
template <class Fn>
void with_unit(size_t bytes, const Fn& fn) {
  switch (bytes) {
    case 1:
      return fn(std::type_identity<uint8_t>{});
    case 2:
      return fn(std::type_identity<uint16_t>{});
    case 4:
      return fn(std::type_identity<uint32_t>{});
    case 8:
      return fn(std::type_identity<uint64_t>{});
    default:
      return fn(std::type_identity<uint4>{});
  }
}

// The widest unit, of `element` bytes or more, that rows of `row` bytes and all addresses are multiples of.
template <class... Ps>
size_t widest_unit(size_t element, size_t row, const Ps*... addresses) {
  const uintptr_t together = (static_cast<uintptr_t>(row) | ... | reinterpret_cast<uintptr_t>(addresses));
  size_t bytes = 16;
  while (bytes > element && together % bytes) bytes /= 2;
  return bytes;
}

}  // namespace tfmini::cuda

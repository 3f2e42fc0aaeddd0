// 16-bit floating-point storage types. They hold bits and convert to and from float; arithmetic
// happens in float (ComputeType). Conversions round to nearest even and keep NaNs.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__CUDACC__)
#define TFMINI_HOST_DEVICE __host__ __device__
#else
#define TFMINI_HOST_DEVICE
#endif
#define TFMINI_ALWAYS_INLINE inline __attribute__((always_inline)) TFMINI_HOST_DEVICE

namespace tfmini {

struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  TFMINI_ALWAYS_INLINE BFloat16(float value) {
    const uint32_t u = std::bit_cast<uint32_t>(value);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    bits = static_cast<uint16_t>(nan ? ((u >> 16) | 0x40u) : rounded);
  }
  TFMINI_ALWAYS_INLINE operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

struct Half {
  uint16_t bits;

  Half() = default;
  TFMINI_ALWAYS_INLINE Half(float value) {
    const uint32_t u = std::bit_cast<uint32_t>(value);
    const uint32_t sign = (u >> 16) & 0x8000u;
    const uint32_t a = u & 0x7fffffffu;
    uint32_t h;
    if (a > 0x7f800000u) {
      h = 0x7e00u | ((a >> 13) & 0x3ffu);  // NaN stays NaN
    } else if (a >= 0x477ff000u) {
      h = 0x7c00u;  // rounds to infinity
    } else if (a < 0x38800000u) {
      // Subnormal: adding 0.5 lets the float adder do the rounding at bit 2^-24.
      const float f = std::bit_cast<float>(a) + 0.5f;
      h = std::bit_cast<uint32_t>(f) - 0x3f000000u;
    } else {
      h = (a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13;
    }
    bits = static_cast<uint16_t>(sign | h);
  }
  TFMINI_ALWAYS_INLINE operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t exp = (bits >> 10) & 0x1fu;
    const uint32_t man = bits & 0x3ffu;
    if (exp == 0x1fu) return std::bit_cast<float>(sign | 0x7f800000u | (man << 13));
    if (exp != 0) return std::bit_cast<float>(sign | ((exp + 112u) << 23) | (man << 13));
    // Subnormal: man * 2^-24, exact in float.
    const float magnitude = static_cast<float>(man) * 5.9604644775390625e-8f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
};

}  // namespace tfmini

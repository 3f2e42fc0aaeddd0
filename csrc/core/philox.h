// The counter-based random generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC'11), seeded and consumed as TensorFlow does, on the host and on the device.
//
// A generator is a position in a stream of 128-bit blocks; any position is reached in O(1), so
// threads share one stream by skipping to their part of it.
#pragma once

#include <bit>
#include <cstdint>

#include "core/half.h"

namespace tfmini {

// Four 32-bit random words.
struct PhiloxBlock {
  uint32_t word[4];
};

class Philox {
 public:
  static constexpr int kWords = 4;
  static constexpr uint32_t kMultiplier0 = 0xD2511F53u;
  static constexpr uint32_t kMultiplier1 = 0xCD9E8D57u;
  static constexpr uint32_t kWeyl0 = 0x9E3779B9u;
  static constexpr uint32_t kWeyl1 = 0xBB67AE85u;
  static constexpr int kRounds = 10;

  // TensorFlow's seeding: `seed` is the key, `seed2` the upper half of the 128-bit counter.
  TFMINI_ALWAYS_INLINE Philox(uint64_t seed, uint64_t seed2)
      : low_(0), high_(seed2), key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {}

  // Advances by `blocks` blocks.
  TFMINI_ALWAYS_INLINE void skip(uint64_t blocks) {
    low_ += blocks;
    high_ += low_ < blocks ? 1 : 0;
  }

  // The block at the current position; moves on to the next.
  TFMINI_ALWAYS_INLINE PhiloxBlock next() {
    uint32_t c0 = static_cast<uint32_t>(low_), c1 = static_cast<uint32_t>(low_ >> 32);
    uint32_t c2 = static_cast<uint32_t>(high_), c3 = static_cast<uint32_t>(high_ >> 32);
    uint32_t k0 = key_[0], k1 = key_[1];
    for (int round = 0; round < kRounds; ++round) {
      const uint64_t p0 = static_cast<uint64_t>(kMultiplier0) * c0;
      const uint64_t p1 = static_cast<uint64_t>(kMultiplier1) * c2;
      c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
      k0 += kWeyl0;
      k1 += kWeyl1;
    }
    skip(1);
    return {{c0, c1, c2, c3}};
  }

  TFMINI_ALWAYS_INLINE uint64_t counter_low() const { return low_; }
  TFMINI_ALWAYS_INLINE uint64_t counter_high() const { return high_; }
  TFMINI_ALWAYS_INLINE uint32_t key(int i) const { return key_[i]; }

 private:
  uint64_t low_, high_;  // the counter
  uint32_t key_[2];
};

// The low 23 bits of x as a float in [0, 1): the mantissa of a number in [1, 2), minus 1.
TFMINI_ALWAYS_INLINE float unit_float(uint32_t x) { return std::bit_cast<float>((x & 0x7fffffu) | 0x3f800000u) - 1.0f; }

// 52 bits as a double in [0, 1): `high` gives the upper 20.
TFMINI_ALWAYS_INLINE double unit_double(uint32_t high, uint32_t low) {
  return std::bit_cast<double>((static_cast<uint64_t>(high & 0xfffffu) << 32) | low | 0x3ff0000000000000u) - 1.0;
}

// A stream read one word at a time, for samplers that take a varying number of words.
class PhiloxStream {
 public:
  TFMINI_ALWAYS_INLINE explicit PhiloxStream(Philox generator)
      : generator_(generator), block_{}, used_(Philox::kWords) {}

  TFMINI_ALWAYS_INLINE uint32_t word() {
    if (used_ == Philox::kWords) {
      block_ = generator_.next();
      used_ = 0;
    }
    return block_.word[used_++];
  }
  TFMINI_ALWAYS_INLINE uint64_t word64() {
    const uint64_t low = word();
    return low | static_cast<uint64_t>(word()) << 32;
  }
  TFMINI_ALWAYS_INLINE float next_float() { return unit_float(word()); }
  TFMINI_ALWAYS_INLINE double next_double() {
    const uint32_t high = word();
    return unit_double(high, word());
  }

  // Skips n words.
  TFMINI_ALWAYS_INLINE void skip(uint64_t n) {
    const uint64_t buffered = static_cast<uint64_t>(Philox::kWords - used_);
    if (n <= buffered) {
      used_ += static_cast<int>(n);
      return;
    }
    n -= buffered;
    generator_.skip(n / Philox::kWords);
    used_ = Philox::kWords;
    for (n %= Philox::kWords; n > 0; --n) word();
  }

  // An integer in [0, n), n > 0, without bias: the lowest 2^bits mod n values are drawn again.
  TFMINI_ALWAYS_INLINE uint32_t below(uint32_t n) {
    if ((n & (n - 1)) == 0) return word() & (n - 1);
    const uint32_t reject_below = ~0u % n + 1;
    uint32_t x;
    do x = word();
    while (x < reject_below);
    return x % n;
  }
  TFMINI_ALWAYS_INLINE uint64_t below64(uint64_t n) {
    if ((n & (n - 1)) == 0) return word64() & (n - 1);
    const uint64_t reject_below = ~uint64_t{0} % n + 1;
    uint64_t x;
    do x = word64();
    while (x < reject_below);
    return x % n;
  }

 private:
  Philox generator_;
  PhiloxBlock block_;
  int used_;
};

}  // namespace tfmini

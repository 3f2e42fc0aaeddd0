// What ops with attributes `seed` and `seed2` share: a generator per node and session, from which
// every run reserves its part.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <random>

#include "core/op.h"
#include "core/philox.h"
#include "simd/random.h"

namespace tfmini {

class RandomState : public SessionState {
 public:
  explicit RandomState(Philox generator) : next_(generator) {}

  // A generator for this run; the next run starts `blocks` blocks later. TensorFlow reserves far
  // more than most runs use; the same numbers come out only if the same amounts are reserved.
  Philox reserve(uint64_t blocks) {
    std::lock_guard lock(mutex_);
    const Philox mine = next_;
    next_.skip(blocks);
    return mine;
  }
  Philox reserve_words(uint64_t words) { return reserve((words + 3) / 4); }
  Philox reserve_outputs(uint64_t outputs) { return reserve(outputs * kBlocksPerOutput); }

  // Also the distance, in words, between the private streams of rejection samplers' outputs.
  static constexpr uint64_t kBlocksPerOutput = 256;

 private:
  std::mutex mutex_;
  Philox next_;
};

// The two seeds of a node. Both 0: seeded by the operating system, anew in every session.
struct Seeds {
  int64_t seed, seed2;

  explicit Seeds(const Attrs& attrs) : seed(attrs.integer("seed")), seed2(attrs.integer("seed2")) {}

  Philox generator() const {
    if (seed != 0 || seed2 != 0) return Philox(static_cast<uint64_t>(seed), static_cast<uint64_t>(seed2));
    std::random_device entropy;
    const auto draw = [&] { return static_cast<uint64_t>(entropy()) << 32 | entropy(); };
    const uint64_t first = draw();
    return Philox(first, draw());
  }
  RandomState& state(const KernelContext& c) const {
    const auto make = [](const void* self) -> std::unique_ptr<SessionState> {
      return std::make_unique<RandomState>(static_cast<const Seeds*>(self)->generator());
    };
    return static_cast<RandomState&>(c.session_state(make, this));
  }
};

// How many outputs Multinomial reserves for: two words per sample, rounded up to whole blocks per row.
inline uint64_t multinomial_outputs(int64_t batch, int64_t samples) {
  return static_cast<uint64_t>(batch * ((samples + 3) / 4 * 4) * 2);
}

// Two standard normal numbers from two uniform ones (Box and Muller). The clamp keeps log() finite.
inline void box_muller(double uniform0, double uniform1, double* out) {
  const double u = uniform0 < 1e-7 ? 1e-7 : uniform0;
  const double angle = 2.0 * M_PI * uniform1;
  const double radius = std::sqrt(-2.0 * std::log(u));
  out[0] = std::sin(angle) * radius;
  out[1] = std::cos(angle) * radius;
}

// Distributions: how blocks of words become kPerBlock numbers each.
template <class T>
struct UniformUnit {
  static constexpr int kPerBlock = std::is_same_v<T, double> ? 2 : 4;
  static void convert(const uint32_t* w, T* out, int64_t blocks) {
    const int64_t n = blocks * kPerBlock;
    if constexpr (std::is_same_v<T, float>)
      simd::random_table().uniform(w, out, n);
    else if constexpr (std::is_same_v<T, double>)
      for (int64_t i = 0; i < n; ++i) out[i] = unit_double(w[2 * i], w[2 * i + 1]);
    else if constexpr (std::is_same_v<T, Half>)
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(w[i] & 0x3ffu) * 0x1p-10f;
    else
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(w[i] & 0x7fu) * 0x1p-7f;
  }
};

template <class T>
struct StandardNormal {
  static constexpr int kPerBlock = UniformUnit<ComputeType<T>>::kPerBlock;
  static void convert(const uint32_t* w, T* out, int64_t blocks) {
    const int64_t n = blocks * kPerBlock;
    if constexpr (std::is_same_v<T, float>) {
      simd::random_table().normal(w, out, n);
    } else if constexpr (std::is_same_v<T, double>) {
      for (int64_t i = 0; i < n; i += 2)
        box_muller(unit_double(w[2 * i], w[2 * i + 1]), unit_double(w[2 * i + 2], w[2 * i + 3]), out + i);
    } else {
      constexpr int64_t kPiece = 256;
      float normal[kPiece];
      for (int64_t i = 0; i < n; i += kPiece) {
        const int64_t m = std::min(kPiece, n - i);
        simd::random_table().normal(w + i, normal, m);
        std::copy_n(normal, m, out + i);
      }
    }
  }
};

}  // namespace tfmini

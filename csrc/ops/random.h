// What ops with attributes `seed` and `seed2` share: a generator per node and session, from which
// every run reserves its part.
#pragma once

#include <cmath>
#include <memory>
#include <mutex>
#include <random>

#include "core/op.h"
#include "core/philox.h"

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

// Two standard normal numbers from two uniform ones (Box and Muller). The clamp keeps log() finite.
inline void box_muller(float uniform0, float uniform1, float* out) {
  const float u = uniform0 < 1e-7f ? 1e-7f : uniform0;
  const float angle = static_cast<float>(2.0 * M_PI * uniform1);
  const float radius = std::sqrt(-2.0f * std::log(u));
  out[0] = std::sin(angle) * radius;
  out[1] = std::cos(angle) * radius;
}
inline void box_muller(double uniform0, double uniform1, double* out) {
  const double u = uniform0 < 1e-7 ? 1e-7 : uniform0;
  const double angle = 2.0 * M_PI * uniform1;
  const double radius = std::sqrt(-2.0 * std::log(u));
  out[0] = std::sin(angle) * radius;
  out[1] = std::cos(angle) * radius;
}

// Distributions: how one block of words becomes kPerBlock numbers.
template <class T>
struct UniformUnit {
  static constexpr int kPerBlock = std::is_same_v<T, double> ? 2 : 4;
  static void convert(const uint32_t* w, T* out) {
    for (int i = 0; i < kPerBlock; ++i) {
      if constexpr (std::is_same_v<T, double>)
        out[i] = unit_double(w[2 * i], w[2 * i + 1]);
      else if constexpr (std::is_same_v<T, Half>)
        out[i] = static_cast<float>(w[i] & 0x3ffu) * 0x1p-10f;
      else if constexpr (std::is_same_v<T, BFloat16>)
        out[i] = static_cast<float>(w[i] & 0x7fu) * 0x1p-7f;
      else
        out[i] = unit_float(w[i]);
    }
  }
};

template <class T>
struct StandardNormal {
  using C = ComputeType<T>;
  static constexpr int kPerBlock = UniformUnit<C>::kPerBlock;
  static void convert(const uint32_t* w, T* out) {
    C uniform[kPerBlock], normal[kPerBlock];
    UniformUnit<C>::convert(w, uniform);
    for (int i = 0; i < kPerBlock; i += 2) box_muller(uniform[i], uniform[i + 1], normal + i);
    for (int i = 0; i < kPerBlock; ++i) out[i] = normal[i];
  }
};

}  // namespace tfmini

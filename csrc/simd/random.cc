#include "simd/random.h"

#include <utility>

namespace tfmini::simd::TFMINI_ISA {
namespace {

// One vector of counters: the widest lane count whose eight working vectors stay in registers.
#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

using Words __attribute__((vector_size(kLanes * 4))) = uint32_t;
using Wide __attribute__((vector_size(kLanes * 4))) = uint64_t;

struct Product {
  Words high, low;
};

// 32 x 32 -> 64 bit products of all lanes: even and odd lanes apart, because the multiplier works on
// 64-bit lanes.
static inline __attribute__((always_inline)) Product multiply(Words a, uint32_t by) {
  constexpr uint64_t kLow = 0xffffffffu;
  const Wide m = Wide{} + by;
  const Wide even = (reinterpret_cast<Wide>(a) & kLow) * m;
  const Wide odd = (reinterpret_cast<Wide>(a) >> 32) * m;
  return {reinterpret_cast<Words>((even >> 32) | (odd & ~kLow)), reinterpret_cast<Words>((even & kLow) | (odd << 32))};
}

// a and b interleaved, kLanes elements from element `from` on: a[from/2], b[from/2], ...
template <int from, int... i>
static inline __attribute__((always_inline)) Words zip(Words a, Words b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((from + i) / 2 + (i % 2) * kLanes)...);
}
template <int from>
static inline __attribute__((always_inline)) Words zip(Words a, Words b) {
  return zip<from>(a, b, std::make_integer_sequence<int, kLanes>{});
}
static inline __attribute__((always_inline)) void store(uint32_t* out, Words w) {
  __builtin_memcpy(out, &w, sizeof(w));
}

// Blocks [0, kLanes) of the stream at `g`. The counter's low word must not wrap within them.
static inline __attribute__((always_inline)) void lanes_of_blocks(const Philox& g, uint32_t* out) {
  Words lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<uint32_t>(i);
  Words c0 = static_cast<uint32_t>(g.counter_low()) + lane;
  Words c1 = Words{} + static_cast<uint32_t>(g.counter_low() >> 32);
  Words c2 = Words{} + static_cast<uint32_t>(g.counter_high());
  Words c3 = Words{} + static_cast<uint32_t>(g.counter_high() >> 32);
  uint32_t k0 = g.key(0), k1 = g.key(1);
  for (int round = 0; round < Philox::kRounds; ++round) {
    const Product p0 = multiply(c0, Philox::kMultiplier0);
    const Product p1 = multiply(c2, Philox::kMultiplier1);
    c0 = p1.high ^ c1 ^ k0;
    c1 = p1.low;
    c2 = p0.high ^ c3 ^ k1;
    c3 = p0.low;
    k0 += Philox::kWeyl0;
    k1 += Philox::kWeyl1;
  }
  // Transposed: word by word in, block by block out.
  const Words even0 = zip<0>(c0, c2), even1 = zip<kLanes>(c0, c2);
  const Words odd0 = zip<0>(c1, c3), odd1 = zip<kLanes>(c1, c3);
  store(out, zip<0>(even0, odd0));
  store(out + kLanes, zip<kLanes>(even0, odd0));
  store(out + 2 * kLanes, zip<0>(even1, odd1));
  store(out + 3 * kLanes, zip<kLanes>(even1, odd1));
}

void words(const Philox& generator, uint32_t* out, int64_t blocks) {
  Philox g = generator;
  while (blocks > 0) {
    const uint32_t low = static_cast<uint32_t>(g.counter_low());
    if (blocks >= kLanes && low <= 0xffffffffu - kLanes) {
      lanes_of_blocks(g, out);
      g.skip(kLanes);
      out += 4 * kLanes;
      blocks -= kLanes;
    } else {
      const PhiloxBlock b = g.next();
      for (int i = 0; i < 4; ++i) *out++ = b.word[i];
      --blocks;
    }
  }
}

}  // namespace

extern const RandomTable random_table = {words};

}  // namespace tfmini::simd::TFMINI_ISA

#include "simd/random.h"

#include <utility>

#include "simd/math.h"
#include "simd/vec.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tfmini::simd {
namespace {

using Words = Vec<uint32_t>;
using Wide = Vec<uint64_t>;
constexpr int kCounters = kLanes<uint32_t>;

struct Product {
  Words high, low;
};

// Products of the lower halves of 64-bit lanes. GCC does not see that the upper ones do not matter.
TFMINI_ALWAYS_INLINE Wide multiply_even(Words a, Words b) {
#if defined(__AVX512F__)
  return (Wide)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return ((Wide)a & 0xffffffffu) * ((Wide)b & 0xffffffffu);
#endif
}

// 32 x 32 -> 64 bit products of all lanes.
TFMINI_ALWAYS_INLINE Product multiply(Words a, uint32_t by) {
  constexpr uint64_t kLow = 0xffffffffu;
  const Words m = splat(by);
  const Wide even = multiply_even(a, m), odd = multiply_even((Words)((Wide)a >> 32), m);
  return {(Words)((even >> 32) | (odd & ~kLow)), (Words)((even & kLow) | (odd << 32))};
}

// a and b interleaved, kCounters elements from element `from` on: a[from/2], b[from/2], ...
template <int from, int... i>
TFMINI_ALWAYS_INLINE Words zip(Words a, Words b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((from + i) / 2 + (i % 2) * kCounters)...);
}
template <int from>
TFMINI_ALWAYS_INLINE Words zip(Words a, Words b) {
  return zip<from>(a, b, std::make_integer_sequence<int, kCounters>{});
}

// Vectors of counters that are worked on together: one round alone would leave the multiplier waiting.
constexpr int kTogether = 2;
constexpr int kBlocks = kTogether * kCounters;

// Blocks 0, stride, ... of the stream at `g`, kBlocks of them. The counter's low word must not wrap within them.
TFMINI_ALWAYS_INLINE void many_blocks(const Philox& g, uint32_t* out, uint32_t stride) {
  Words c0[kTogether], c1[kTogether], c2[kTogether], c3[kTogether];
  Words lane;
  for (int i = 0; i < kCounters; ++i) lane[i] = static_cast<uint32_t>(i) * stride;
  for (int v = 0; v < kTogether; ++v) {
    c0[v] = static_cast<uint32_t>(g.counter_low()) + static_cast<uint32_t>(v * kCounters) * stride + lane;
    c1[v] = splat(static_cast<uint32_t>(g.counter_low() >> 32));
    c2[v] = splat(static_cast<uint32_t>(g.counter_high()));
    c3[v] = splat(static_cast<uint32_t>(g.counter_high() >> 32));
  }
  uint32_t k0 = g.key(0), k1 = g.key(1);
#pragma GCC unroll 10
  for (int round = 0; round < Philox::kRounds; ++round) {
#pragma GCC unroll 2
    for (int v = 0; v < kTogether; ++v) {
      const Product p0 = multiply(c0[v], Philox::kMultiplier0);
      const Product p1 = multiply(c2[v], Philox::kMultiplier1);
      c0[v] = p1.high ^ c1[v] ^ k0;
      c1[v] = p1.low;
      c2[v] = p0.high ^ c3[v] ^ k1;
      c3[v] = p0.low;
    }
    k0 += Philox::kWeyl0;
    k1 += Philox::kWeyl1;
  }
  // Transposed: word by word in, block by block out.
  for (int v = 0; v < kTogether; ++v, out += 4 * kCounters) {
    const Words even0 = zip<0>(c0[v], c2[v]), even1 = zip<kCounters>(c0[v], c2[v]);
    const Words odd0 = zip<0>(c1[v], c3[v]), odd1 = zip<kCounters>(c1[v], c3[v]);
    store(out, zip<0>(even0, odd0));
    store(out + kCounters, zip<kCounters>(even0, odd0));
    store(out + 2 * kCounters, zip<0>(even1, odd1));
    store(out + 3 * kCounters, zip<kCounters>(even1, odd1));
  }
}

void words(const Philox& generator, uint32_t* out, int64_t blocks, int64_t stride) {
  Philox g = generator;
  const uint64_t span = static_cast<uint64_t>(kBlocks * stride);
  while (blocks > 0) {
    const uint64_t low = static_cast<uint32_t>(g.counter_low());
    if (blocks >= kBlocks && low + span <= 0xffffffffu) {
      many_blocks(g, out, static_cast<uint32_t>(stride));
      g.skip(span);
      out += 4 * kBlocks;
      blocks -= kBlocks;
    } else {
      Philox one = g;
      const PhiloxBlock b = one.next();
      for (int i = 0; i < 4; ++i) *out++ = b.word[i];
      g.skip(static_cast<uint64_t>(stride));
      --blocks;
    }
  }
}

void uniform(const uint32_t* x, float* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = math::bits<float>((x[i] & 0x7fffffu) | 0x3f800000u) - 1.0f;
}

// The float nearest to x, and whether it is sure to be the C library's: that one's sines are wrong by up to 0.561 units
// in the last place (glibc), ours before rounding by next to nothing, so they may differ where x lies that near to the
// middle between two floats. The bits of a double that a float lacks say where it lies.
TFMINI_ALWAYS_INLINE float rounded(double x, uint64_t& unsure) {
  constexpr uint64_t kUnit = 1u << 29, kMargin = kUnit / 16;
  const uint64_t rest = math::bits<uint64_t>(x) & (kUnit - 1);
  unsure |= rest - (kUnit / 2 - kMargin) < 2 * kMargin ? 1u : 0u;
  return static_cast<float>(x);
}

// In steps over short arrays, most of which vectorise. The logarithm is the C library's: half of its results would be
// unsure.
void normal(const uint32_t* x, float* y, int64_t n) {
  constexpr int64_t kPairs = 128;
  alignas(64) float uniforms[2 * kPairs], radius[kPairs], angle[kPairs], sine[kPairs], cosine[kPairs];
  alignas(64) uint64_t unsure[kPairs];
  for (; n > 0; n -= 2 * kPairs, x += 2 * kPairs, y += 2 * kPairs) {
    const int64_t pairs = (n < 2 * kPairs ? n : 2 * kPairs) / 2;
    uniform(x, uniforms, 2 * pairs);
    for (int64_t i = 0; i < pairs; ++i) angle[i] = static_cast<float>(2.0 * math::kPi * uniforms[2 * i + 1]);
    for (int64_t i = 0; i < pairs; ++i) {
      const math::wide::SinCos t = math::wide::sincos(static_cast<double>(angle[i]));
      const double s = t.quadrant & 1u ? t.cos : t.sin, c = t.quadrant & 1u ? t.sin : t.cos;
      uint64_t u = 0;
      sine[i] = rounded(t.quadrant & 2u ? -s : s, u);
      cosine[i] = rounded((t.quadrant + 1u) & 2u ? -c : c, u);
      unsure[i] = u;
    }
    int64_t again[kPairs + 1], count = 0;
    for (int64_t i = 0; i < pairs; ++i) {
      again[count] = i;
      count += static_cast<int64_t>(unsure[i]);
    }
    for (int64_t k = 0; k < count; ++k) {
      sine[again[k]] = TFMINI_LIBM(sinf)(angle[again[k]]);
      cosine[again[k]] = TFMINI_LIBM(cosf)(angle[again[k]]);
    }
    for (int64_t i = 0; i < pairs; ++i) {  // the clamp keeps the logarithm finite
      const float u = uniforms[2 * i];
      radius[i] = TFMINI_LIBM(logf)(u < 1e-7f ? 1e-7f : u);
    }
    for (int64_t i = 0; i < pairs; ++i) radius[i] = math::sqrt(-2.0f * radius[i]);
    for (int64_t i = 0; i < pairs; ++i) {
      y[2 * i] = sine[i] * radius[i];
      y[2 * i + 1] = cosine[i] * radius[i];
    }
  }
}

}  // namespace

namespace TFMINI_ISA {
extern const RandomTable random_table = {words, uniform, normal};
}  // namespace TFMINI_ISA

}  // namespace tfmini::simd

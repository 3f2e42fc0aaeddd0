#include "simd/gemm_bf16.h"

#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

constexpr int kWidth = kTileCols<float>;
using Pairs = VectorOf<uint32_t>::type;

template <int kPanel>
void pack_pairs(const BFloat16* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps,
                uint32_t* panel) {
  const int64_t whole = steps / 2;
  const auto pair = [](BFloat16 first, BFloat16 second) { return first.bits | uint32_t{second.bits} << 16; };
  for (int64_t p = 0; p < whole; ++p, src += 2 * step_stride, panel += kPanel) {
    const BFloat16* const next = src + step_stride;
    if (lane_stride == 1 && lanes == kPanel)  // two rows are shuffled together
      for (int l = 0; l < kPanel; ++l) panel[l] = pair(src[l], next[l]);
    else
      for (int l = 0; l < kPanel; ++l) panel[l] = l < lanes ? pair(src[l * lane_stride], next[l * lane_stride]) : 0;
  }
  if (steps % 2)
    for (int l = 0; l < kPanel; ++l) panel[l] = l < lanes ? src[l * lane_stride].bits : 0;
}

// The values in the lower, or upper, halves of pairs.
template <bool upper>
TFMINI_ALWAYS_INLINE Vec<float> halves(Pairs x) {
  return (Vec<float>)(upper ? x & 0xffff0000u : x << 16);
}

TFMINI_ALWAYS_INLINE Pairs load_pairs(const uint32_t* p) {
  Pairs v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <bool upper, int kRows>
TFMINI_ALWAYS_INLINE void add_halves(Vec<float> (&sum)[kRows][kTileVecs], const uint32_t* a, const uint32_t* b) {
  Vec<float> bv[kTileVecs];
  for (int j = 0; j < kTileVecs; ++j) bv[j] = halves<upper>(load_pairs(b + j * kLanes<float>));
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    const Vec<float> av = halves<upper>(Pairs{} + a[i]);
    for (int j = 0; j < kTileVecs; ++j) add_product<float>(sum[i][j], av, bv[j]);
  }
}

#if defined(__AVX512F__)
constexpr bool kHasInstruction = true;
// By name: few processors with AVX-512 have this instruction, and this file is compiled for all of them.
TFMINI_ALWAYS_INLINE void add_pairs(Vec<float>& sum, Pairs x, Pairs y) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
}
#else
constexpr bool kHasInstruction = false;
TFMINI_ALWAYS_INLINE void add_pairs(Vec<float>&, Pairs, Pairs) {}
#endif

template <int kRows, bool kInstruction>
void micro_kernel(int64_t pairs, const uint32_t* a, const uint32_t* b, BFloat16* c, int64_t ldc, int cols) {
  Vec<float> sum[kRows][kTileVecs] = {};
  for (int64_t p = 0; p < pairs; ++p, a += kTileRows, b += kWidth) {
    if constexpr (kInstruction) {
      Pairs bv[kTileVecs];
      for (int j = 0; j < kTileVecs; ++j) bv[j] = load_pairs(b + j * kLanes<float>);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kTileVecs; ++j) add_pairs(sum[i][j], Pairs{} + a[i], bv[j]);
    } else {
      add_halves<true>(sum, a, b);
      add_halves<false>(sum, a, b);
    }
  }
  float rows[kRows][kWidth];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kTileVecs; ++j) store(&rows[i][j * kLanes<float>], sum[i][j]);
  for (int i = 0; i < kRows; ++i, c += ldc) {
    BFloat16 rounded[kWidth];
    for (int j = 0; j < kWidth; ++j) rounded[j] = BFloat16(rows[i][j]);
    if (cols == kWidth)
      std::memcpy(c, rounded, sizeof rounded);
    else
      std::memcpy(c, rounded, static_cast<unsigned long>(cols) * sizeof(BFloat16));
  }
}

template <int kRows = kTileRows>
constexpr void fill(Bf16Table& table) {
  table.portable[kRows - 1] = micro_kernel<kRows, false>;
  if constexpr (kHasInstruction) table.instruction[kRows - 1] = micro_kernel<kRows, true>;
  if constexpr (kRows > 1) fill<kRows - 1>(table);
}

constexpr Bf16Table kernels() {
  Bf16Table table{kTileRows, kWidth, pack_pairs<kTileRows>, pack_pairs<kWidth>};
  fill(table);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
constinit const Bf16Table bf16_table = kernels();
}

}  // namespace tfmini::simd

// The GEMM beyond what MatMul reaches: epilogues, packed matrices, row strides, thread counts.
#include "gemm/gemm.h"

#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "gemm/bf16.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

std::mt19937 rng(1);

template <class T>
std::vector<T> random_values(int64_t n) {
  std::normal_distribution<float> normal;
  std::vector<T> out(static_cast<size_t>(n) + 1);  // never empty
  for (T& x : out) x = T(normal(rng));
  return out;
}

// Against a plain loop in double. `pad` columns behind each row of C must stay as they are.
template <class S, class T>
void compare(int64_t m, int64_t n, int64_t k, bool ta, bool tb, bool accumulate, bool with_bias, bool relu, bool add) {
  constexpr int64_t pad = 3;
  const auto a = random_values<S>(m * k), b = random_values<S>(k * n);
  const auto bias = random_values<T>(n);
  const auto before = random_values<T>(m * (n + pad));
  const auto added = random_values<T>(m * (n + pad));
  const GemmEpilogue<T> epilogue{accumulate, with_bias ? bias.data() : nullptr, add ? added.data() : nullptr, relu};
  const auto a_ref = row_major(a.data(), ta ? m : k, ta), b_ref = row_major(b.data(), tb ? k : n, tb);

  auto plain = before, packed = before;
  gemm<S, T>(m, n, k, a_ref, b_ref, plain.data(), n + pad, epilogue);
  gemm<S, T>(m, a_ref, PackedMatrix<T>(k, n, b_ref), packed.data(), n + pad, epilogue);

  const double tolerance = (sizeof(T) == 4 ? 1e-6 : 1e-14) * static_cast<double>(20 + 4 * k);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n + pad; ++j) {
      const size_t at = static_cast<size_t>(i * (n + pad) + j);
      double want = before[at];
      if (j < n) {
        if (!accumulate) want = 0;
        for (int64_t p = 0; p < k; ++p)
          want += static_cast<double>(ComputeType<S>(*a_ref.at(i, p))) *
                  static_cast<double>(ComputeType<S>(*b_ref.at(p, j)));
        if (with_bias) want += static_cast<double>(bias[static_cast<size_t>(j)]);
        if (add) want += static_cast<double>(added[at]);
        if (relu && want < 0) want = 0;
      }
      CHECK(std::fabs(static_cast<double>(plain[at]) - want) <= tolerance);
      CHECK(std::fabs(static_cast<double>(packed[at]) - want) <= tolerance);
    }
}

// Bit i of flags: transpose A, transpose B, accumulate, bias, relu, add.
template <class S, class T>
void compare(int64_t m, int64_t n, int64_t k, unsigned flags) {
  compare<S, T>(m, n, k, flags & 1, flags & 2, flags & 4, flags & 8, flags & 16, flags & 32);
}

// Packed pairs multiplied by the kernel that stands for the instruction; sums are rounded once, to 8 bits.
void bf16(int64_t m, int64_t n, int64_t k) {
  const auto a = random_values<BFloat16>(m * k), b = random_values<BFloat16>(k * n);
  for (unsigned transposes : {0u, 1u, 2u, 3u}) {
    const bool ta = transposes & 1, tb = transposes & 2;
    const auto a_ref = row_major(a.data(), ta ? m : k, ta), b_ref = row_major(b.data(), tb ? k : n, tb);
    std::vector<BFloat16> c(static_cast<size_t>(m * n + 1), BFloat16(7.0f));
    gemm_bf16(m, n, k, a_ref, b_ref, c.data());
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double want = 0, size = 0;
        for (int64_t p = 0; p < k; ++p) {
          const double x = static_cast<double>(*a_ref.at(i, p)) * static_cast<double>(*b_ref.at(p, j));
          want += x;
          size += std::fabs(x);
        }
        const double got = static_cast<double>(c[static_cast<size_t>(i * n + j)]);
        CHECK(std::fabs(got - want) <= std::fabs(want) / 256 + 1e-6 * size);
      }
    CHECK(static_cast<float>(c.back()) == 7.0f);  // nothing is written behind the last row
  }
}

template <class S, class T>
void all_transposes(int64_t m, int64_t n, int64_t k) {
  for (unsigned transposes : {0u, 1u, 2u, 3u}) compare<S, T>(m, n, k, transposes + (rng() & 60));
}

// Every size up to 64 as m, n and k, next to others of all kinds: with any epilogue, since all meet all edges.
void small_sizes() {
  const int64_t others[] = {1, 3, 7, 16, 33};
  int turn = 0;
  for (int64_t x : others)
    for (int64_t y : others)
      for (int64_t size = 0; size <= 64; ++size)
        for (const auto& [m, n, k] : {std::array{size, x, y}, std::array{x, size, y}, std::array{x, y, size}}) {
          all_transposes<float, float>(m, n, k);
          if (++turn % 2 == 0) all_transposes<double, double>(m, n, k);
          if (turn % 7 == 0) all_transposes<Half, float>(m, n, k);
          if (turn % 11 == 0) all_transposes<BFloat16, float>(m, n, k);
          if (turn % 2 == 1) bf16(m, n, k);
        }
}

// Where the ways to compute a product meet.
void larger_sizes() {
  for (unsigned flags = 0; flags < 64; ++flags) {
    compare<float, float>(47, 83, 19, flags);
    compare<float, float>(300, 70, 330, flags);  // B packed for several tasks, two depths
    compare<double, double>(23, 90, 400, flags);
  }
  for (unsigned flags : {0u, 1u, 2u, 3u}) {
    compare<float, float>(1600, 40, 70, flags + 52);  // more rows than are packed at once
    compare<double, double>(30, 1700, 30, flags + 12);
    compare<float, float>(3, 2500, 300, flags + 60);  // thin: pieces of k
    compare<double, double>(2500, 2, 300, flags + 8);
    compare<float, float>(2, 21, 700, flags + 4);  // a copy of the smaller operand
    compare<float, float>(1, 43, 300, flags + 4);
    compare<double, double>(51, 1, 300, flags);
    compare<float, float>(40, 60, 200, flags + 8);  // small, but B is copied
  }
  bf16(70, 90, 401);
  bf16(300, 20, 1500);                      // several blocks of rows
  compare<float, float>(20, 70, 2700, 26);  // deeper than is packed at once
}

void same_bits_with_any_thread_count() {
  const int64_t m = 300, n = 500, k = 700;
  const auto a = random_values<float>(m * k), b = random_values<float>(k * n);
  std::vector<float> many(m * n), one(m * n);
  gemm<float>(m, n, k, row_major(a.data(), k), row_major(b.data(), n), many.data(), n);
  ThreadLimit limit(1);
  gemm<float>(m, n, k, row_major(a.data(), k), row_major(b.data(), n), one.data(), n);
  CHECK(std::memcmp(many.data(), one.data(), one.size() * sizeof(float)) == 0);
}

}  // namespace
}  // namespace tfmini

int main() {
  using namespace tfmini;
  for (Isa isa : {Isa::kBase, Isa::kAVX2, Isa::kAVX512})
    if (set_isa(isa)) {
      small_sizes();
      larger_sizes();
    }
  same_bits_with_any_thread_count();
}

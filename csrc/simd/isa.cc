#include "simd/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace tfmini {
namespace {

bool supported(Isa isa) {
#if defined(TFMINI_ONLY_BASE_ISA)
  return isa == Isa::kBase;
#else
  switch (isa) {
    case Isa::kBase:
      return true;
    case Isa::kAVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::kAVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  return false;
#endif
}

Isa detect() {
  const char* wish = std::getenv("TFMINI_CPU_ISA");
  for (Isa isa : {Isa::kAVX512, Isa::kAVX2})
    if (supported(isa) && (!wish || !*wish || std::strcmp(wish, isa_name(isa)) == 0 ||
                           (std::strcmp(wish, "avx512") == 0 && isa == Isa::kAVX2)))
      return isa;
  return Isa::kBase;
}

std::atomic<int>& current() {
  static std::atomic<int> isa{static_cast<int>(detect())};
  return isa;
}

}  // namespace

Isa best_isa() { return static_cast<Isa>(current().load(std::memory_order_relaxed)); }

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kAVX512:
      return "avx512";
    case Isa::kAVX2:
      return "avx2";
    default:
      return "base";
  }
}

bool set_isa(Isa isa) {
  if (!supported(isa)) return false;
  current().store(static_cast<int>(isa), std::memory_order_relaxed);
  return true;
}

}  // namespace tfmini

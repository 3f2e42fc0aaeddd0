// How a table of inner loops is chosen per instruction set.
//
// csrc/simd/X.h declares a plain struct of function pointers and names its table:
//
//   struct SoftmaxTable { ... };
//   TFMINI_SIMD_TABLE(SoftmaxTable, softmax_table)     // declares simd::softmax_table()
//
// csrc/simd/X.cc, compiled once per Isa with TFMINI_ISA set to base, avx2 or avx512, defines it:
//
//   namespace tfmini::simd::TFMINI_ISA { const SoftmaxTable softmax_table = {...}; }
//
// Everything else in X.cc sits in an anonymous namespace or is static always_inline.
#pragma once

#include "simd/isa.h"

#if defined(TFMINI_ONLY_BASE_ISA)
#define TFMINI_SIMD_TABLE(Type, name) \
  namespace base {                    \
  extern const Type name;             \
  }                                   \
  inline const Type& name() { return base::name; }
#else
#define TFMINI_SIMD_TABLE(Type, name) \
  namespace base {                    \
  extern const Type name;             \
  }                                   \
  namespace avx2 {                    \
  extern const Type name;             \
  }                                   \
  namespace avx512 {                  \
  extern const Type name;             \
  }                                   \
  inline const Type& name() {         \
    switch (best_isa()) {             \
      case Isa::kAVX512:              \
        return avx512::name;          \
      case Isa::kAVX2:                \
        return avx2::name;            \
      default:                        \
        return base::name;            \
    }                                 \
  }
#endif

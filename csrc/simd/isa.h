// Which instruction set the inner loops use. Files in csrc/simd are compiled once per Isa and may
// leave no weak symbols (no templates or inline functions shared with other files except
// always_inline ones), or code for a newer ISA could be linked into the baseline.
#pragma once

namespace tfmini {

enum class Isa : int { kBase = 0, kAVX2 = 1, kAVX512 = 2 };

// The best ISA this processor and build support; the environment variable TFMINI_CPU_ISA
// ("base", "avx2", "avx512") may lower it. Decided once, at the first call.
Isa best_isa();
const char* isa_name(Isa isa);

// For tests: forces best_isa() (must be supported) until called again; clears nothing else.
// Returns false if the processor lacks it.
bool set_isa(Isa isa);

}  // namespace tfmini

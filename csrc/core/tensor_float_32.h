// Whether GPUs may round the factors of float32 matrix products and convolutions to TF32 (10 bits of fraction), which
// their tensor cores need. True unless switched off, as in TensorFlow.
#pragma once

#include <atomic>

namespace tfmini {

inline std::atomic<bool> tensor_float_32_allowed{true};

}  // namespace tfmini

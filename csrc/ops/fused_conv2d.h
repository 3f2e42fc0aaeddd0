// The steps of _FusedConv2D, for its kernels on all devices.
#pragma once

#include <vector>

#include "core/attrs.h"

namespace tfmini {

enum class ConvStep { kBiasAdd, kMul, kBatchNorm, kAdd, kRelu, kRelu6 };

// How many of the op's args a step takes.
int args_of(ConvStep step);
// The attribute fused_ops, checked to be in an order that kernels can do: per channel, then one image, then one
// activation.
std::vector<ConvStep> conv_steps(const Attrs& attrs);

}  // namespace tfmini

// What the elementwise families share: OpDefs and kernels made from a function of simd/functors.h.
#pragma once

#include <string>
#include <string_view>

#include "core/registry.h"
#include "simd/binary.h"
#include "simd/unary.h"

namespace tfmini {

// "T: {half, float, ...}", for OpBuilder::attr.
std::string type_attr(simd::DTypeMask types, std::string_view name = "T");

// Elements per chunk for a function of this cost (ns per element) that moves this many bytes per element.
int64_t elementwise_grain(double cost, size_t bytes_per_element);

// y = f(x), same shape. y may be x.
void run_unary(simd::UnaryLoop loop, double cost, const Tensor& x, Tensor& y);
// z = f(x, y), broadcast to z's shape. z may be any input of its own shape.
void run_binary(const simd::BinaryLoops& loops, double cost, const Tensor& x, const Tensor& y, Tensor& z);

// CPU kernels of op `op` for every type the function has loops for.
void add_unary_kernels(Registry& r, std::string_view op, simd::Unary f, simd::DTypeMask types, double cost);
void add_binary_kernels(Registry& r, std::string_view op, simd::Binary f, simd::DTypeMask types, double cost);

}  // namespace tfmini

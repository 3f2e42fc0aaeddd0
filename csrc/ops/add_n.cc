// The sum of many tensors of one shape, in one pass over memory.
#include <cstring>

#include "core/parallel.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

class AddN {
 public:
  explicit AddN(const Attrs& attrs) : dtype_(attrs.dtype("T")) {}
  void operator()(KernelContext& c) const {
    const int count = c.num_inputs();
    const size_t size = dtype_size(dtype_);
    const auto add = simd::binary_table().at(simd::Binary::kAdd, dtype_).vector_vector;
    char* out = static_cast<char*>(c.output(0).raw());
    auto in = [&](int i) { return static_cast<const char*>(c.input(i).raw()); };
    parallel_for(c.output(0).num_elements(), elementwise_grain(0.2 * count, (count + 1) * size),
                 [&](int64_t begin, int64_t end) {
                   constexpr int64_t kBlock = 2048;  // the running sum stays in L1
                   for (int64_t i = begin; i < end; i += kBlock) {
                     const int64_t n = end - i < kBlock ? end - i : kBlock;
                     if (count == 1) {
                       if (in(0) != out) std::memcpy(out + i * size, in(0) + i * size, n * size);
                       continue;
                     }
                     add(in(0) + i * size, in(1) + i * size, out + i * size, n);
                     for (int k = 2; k < count; ++k) add(out + i * size, in(k) + i * size, out + i * size, n);
                   }
                 });
  }

 private:
  DType dtype_;
};

}  // namespace

void register_add_n(Registry& r) {
  // In place over the first input only: the others are read after the output's first write.
  r.op("AddN")
      .input("inputs: N * T")
      .output("sum: T")
      .attr("N: int >= 1")
      .attr(type_attr(simd::kNumbers))
      .shape(shapes::merged)
      .in_place(0)
      .elementwise();
  for (simd::DTypeMask rest = simd::kNumbers; rest != 0; rest &= rest - 1)
    r.kernel<AddN>("AddN", DeviceKind::kCPU, static_cast<DType>(__builtin_ctz(rest)));
}

}  // namespace tfmini

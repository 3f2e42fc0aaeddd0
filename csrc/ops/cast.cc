// Conversion between element types.
#include "simd/cast.h"

#include <cstring>

#include "core/parallel.h"
#include "core/registry.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

class Cast {
 public:
  explicit Cast(const Attrs& attrs) : from_(attrs.dtype("SrcT")), to_(attrs.dtype("DstT")) {
    if (from_ != to_ && !simd::cast_table().at(from_, to_))
      fail(Code::kUnimplemented, "cast from ", dtype_name(from_), " to ", dtype_name(to_), " is not supported");
  }
  void operator()(KernelContext& c) const {
    if (from_ == to_) {
      if (c.input(0).raw() != c.output(0).raw()) copy_elements(c.input(0), c.output(0));
      return;
    }
    run_unary(simd::cast_table().at(from_, to_), 0.3, c.input(0), c.output(0));
  }

 private:
  DType from_, to_;
};

}  // namespace

void register_cast(Registry& r) {
  // Truncate asks for bfloat16 without rounding; the kernel rounds either way, as TensorFlow's Python layer has it.
  r.op("Cast")
      .input("x: SrcT")
      .output("y: DstT")
      .attr("SrcT: type")
      .attr("DstT: type")
      .attr("Truncate: bool = false")
      .shape(shapes::unchanged)
      .in_place(0)
      .elementwise();
  r.kernel<Cast>("Cast", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini

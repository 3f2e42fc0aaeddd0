// Select (condition of the values' shape, or one per row), SelectV2 (broadcasting) and ClipByValue.
#include "simd/select.h"

#include <algorithm>

#include "core/broadcast.h"
#include "core/elements.h"
#include "core/parallel.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

constexpr int64_t kStretch = 1024;

void select_shape(InferContext& c) {
  const Shape values = merge(c.input(1), c.input(2));
  const Shape& condition = c.input(0);
  if (condition.known_rank() && values.known_rank() && condition.rank() != 0) {
    const bool rows = condition.rank() == 1 && values.rank() != 1;
    check(rows ? values.rank() > 0 && (condition[0] < 0 || values[0] < 0 || condition[0] == values[0])
               : condition.compatible_with(values),
          "the condition has shape ", condition, ", the values ", values,
          "; it must be a scalar, have their shape, or be a vector of their first dimension");
  }
  c.set_output(0, condition.known_rank() && condition.rank() > 1 ? merge(values, condition) : values);
}

// Reads the condition as if it had as many dimensions as the values, from the front.
Shape condition_shape(const Shape& condition, const Shape& out) {
  if (condition.rank() != 1 || out.rank() <= 1) return condition;
  Shape s = condition;
  while (s.rank() < out.rank()) s.add_dim(1);
  return s;
}

template <class T>
void select_objects(const Tensor& c, const BroadcastInput& bc, const Tensor& a, const BroadcastInput& ba,
                    const Tensor& b, const BroadcastInput& bb, Tensor& out) {
  for (int64_t i = 0, n = out.num_elements(); i < n; ++i)
    out.data<T>()[i] = c.data<bool>()[bc.index(i)] ? a.data<T>()[ba.index(i)] : b.data<T>()[bb.index(i)];
}

template <bool kBroadcast>
struct Select {
  static void run(KernelContext& k) {
    const Tensor &c = k.input(0), &a = k.input(1), &b = k.input(2);
    Tensor& out = k.output(0);
    const Shape& shape = out.shape();
    const DType dtype = out.dtype();
    const int size = static_cast<int>(dtype_size(dtype));
    const BroadcastInput bc(kBroadcast ? c.shape() : condition_shape(c.shape(), shape), shape, 1);
    const BroadcastInput ba(a.shape(), shape, size), bb(b.shape(), shape, size);
    if (dtype == DType::kString) return select_objects<std::string>(c, bc, a, ba, b, bb, out);
    if (!is_pod(dtype)) return select_objects<std::shared_ptr<void>>(c, bc, a, ba, b, bb, out);
    check(size <= 8, "Select does not support ", dtype_name(dtype));
    parallel_for(shape.num_elements(), std::max(elementwise_grain(0.2, 3 * size + 1), kStretch),
                 [&](int64_t chunk_begin, int64_t chunk_end) {
                   alignas(64) bool scratch_c[kStretch];
                   alignas(64) char scratch_a[kStretch * 8], scratch_b[kStretch * 8];
                   auto stretch = [&](int64_t begin, int64_t n) {
                     const auto cond = bc.read(c.raw(), begin, n, scratch_c);
                     const auto x = ba.read(a.raw(), begin, n, scratch_a);
                     const auto y = bb.read(b.raw(), begin, n, scratch_b);
                     const bool* flags = static_cast<const bool*>(cond.data);
                     if (cond.scalar) {
                       std::fill_n(scratch_c, n, *flags);
                       flags = scratch_c;
                     }
                     simd::select_table().at(size, x.scalar, y.scalar)(flags, x.data, y.data,
                                                                       static_cast<char*>(out.raw()) + begin * size, n);
                   };
                   for_each_stretch(chunk_begin, chunk_end, kStretch, stretch, bc, ba, bb);
                 });
  }
};

void clip_shape(InferContext& c) {
  for (int i : {1, 2})
    check(broadcast(c.input(0), c.input(i)).compatible_with(c.input(0)), "a bound of shape ", c.input(i),
          " does not broadcast to the tensor's shape ", c.input(0));
  c.set_output(0, c.input(0));
}

// max(t, low), then min with high.
class ClipByValue {
 public:
  explicit ClipByValue(const Attrs& attrs) : dtype_(attrs.dtype("T")) {}
  void operator()(KernelContext& c) const {
    const auto& table = simd::binary_table();
    Tensor low = c.scratch(dtype_, c.output(0).shape());
    run_binary(table.at(simd::Binary::kMaximum, dtype_), 0.2, c.input(0), c.input(1), low);
    run_binary(table.at(simd::Binary::kMinimum, dtype_), 0.2, low, c.input(2), c.output(0));
  }

 private:
  DType dtype_;
};

}  // namespace

void register_select(Registry& r) {
  r.op("Select")
      .input("condition: bool")
      .input("t: T")
      .input("e: T")
      .output("output: T")
      .attr("T: type")
      .shape(select_shape)
      .in_place(1)
      .in_place(2)
      .elementwise();
  r.kernel("Select", DeviceKind::kCPU, DType::kInvalid, &Select<false>::run);
  r.op("SelectV2")
      .input("condition: bool")
      .input("t: T")
      .input("e: T")
      .output("output: T")
      .attr("T: type")
      .shape(shapes::broadcast_all)
      .in_place(1)
      .in_place(2)
      .elementwise();
  r.kernel("SelectV2", DeviceKind::kCPU, DType::kInvalid, &Select<true>::run);

  r.op("ClipByValue")
      .input("t: T")
      .input("clip_value_min: T")
      .input("clip_value_max: T")
      .output("output: T")
      .attr(type_attr(simd::kNumbers))
      .shape(clip_shape)
      .elementwise();
  for (simd::DTypeMask rest = simd::kNumbers; rest != 0; rest &= rest - 1)
    r.kernel<ClipByValue>("ClipByValue", DeviceKind::kCPU, static_cast<DType>(__builtin_ctz(rest)));
}

}  // namespace tfmini

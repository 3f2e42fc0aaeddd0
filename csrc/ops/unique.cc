// Unique, UniqueWithCounts, ListDiff: vectors as sets, in order of first occurrence.
#include <bit>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/infer.h"
#include "core/registry.h"

namespace tfmini {
namespace {

using SetTypes = TypeList<float, double, Half, BFloat16, int32_t, int64_t, uint8_t, int8_t, int16_t, uint16_t, uint32_t,
                          uint64_t, std::string>;

template <class T>
uint64_t hash_of(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::hash<std::string>{}(value);
  } else {
    uint64_t h;
    if constexpr (std::is_integral_v<T>)
      h = static_cast<uint64_t>(value);
    else
      h = std::bit_cast<uint64_t>(static_cast<double>(value) + 0.0);  // -0 equals 0
    // The finaliser of MurmurHash3: every input bit reaches the low bits.
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return h ^ (h >> 33);
  }
}

template <class T>
bool equal(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, std::string>)
    return a == b;
  else
    return static_cast<ComputeType<T>>(a) == static_cast<ComputeType<T>>(b);
}

// Distinct values in order of insertion, found by open addressing. A NaN equals nothing.
template <class T>
class OrderedSet {
 public:
  explicit OrderedSet(int64_t capacity)
      : slots_(std::bit_ceil(static_cast<uint64_t>(2 * capacity + 1)), -1), mask_(slots_.size() - 1) {}
  // Position of the value, which is added if it is new.
  int64_t add(const T& value) {
    int64_t& slot = find(value);
    if (slot < 0) {
      slot = static_cast<int64_t>(values_.size());
      values_.push_back(value);
    }
    return slot;
  }
  bool contains(const T& value) { return find(value) >= 0; }
  const std::vector<T>& values() const { return values_; }

 private:
  int64_t& find(const T& value) {
    uint64_t i = hash_of(value) & mask_;
    while (slots_[i] >= 0 && !equal(values_[static_cast<size_t>(slots_[i])], value)) i = (i + 1) & mask_;
    return slots_[i];
  }
  std::vector<int64_t> slots_;
  uint64_t mask_;
  std::vector<T> values_;
};

void write_int(Tensor& out, int64_t i, int64_t value) {
  if (out.dtype() == DType::kInt64)
    out.data<int64_t>()[i] = value;
  else
    out.data<int32_t>()[i] = static_cast<int32_t>(value);
}

void check_index_range(const Tensor& x, DType index) {
  check(index == DType::kInt64 || x.num_elements() <= std::numeric_limits<int32_t>::max(),
        "more elements than int32 can count; use out_idx=tf.int64");
}

template <class T>
void write_values(KernelContext& c, const std::vector<T>& values) {
  Tensor& out = c.allocate_output(0, Shape{static_cast<int64_t>(values.size())});
  std::copy(values.begin(), values.end(), out.data<T>());
}

void unique_shape(InferContext& c) {
  const Shape x = c.with_rank(0, 1);
  c.set_output(0, Shape::unknown_of_rank(1));
  c.set_output(1, x);
  if (c.num_outputs() == 3) c.set_output(2, Shape::unknown_of_rank(1));
}

template <class T>
struct Unique {
  static void run(KernelContext& c) {
    const Tensor& x = c.input(0);
    const int64_t n = x.num_elements();
    check_index_range(x, c.output_dtype(1));
    OrderedSet<T> set(n);
    Tensor& idx = c.allocate_output(1, x.shape());
    std::vector<int64_t> counts;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = set.add(x.data<T>()[i]);
      write_int(idx, i, at);
      if (at == static_cast<int64_t>(counts.size())) counts.push_back(0);
      ++counts[static_cast<size_t>(at)];
    }
    write_values(c, set.values());
    if (c.num_outputs() < 3) return;
    Tensor& out = c.allocate_output(2, Shape{static_cast<int64_t>(counts.size())});
    for (size_t i = 0; i < counts.size(); ++i) write_int(out, static_cast<int64_t>(i), counts[i]);
  }
};

void list_diff_shape(InferContext& c) {
  c.with_rank(0, 1);
  c.with_rank(1, 1);
  c.set_output(0, Shape::unknown_of_rank(1));
  c.set_output(1, Shape::unknown_of_rank(1));
}

template <class T>
struct ListDiff {
  static void run(KernelContext& c) {
    const Tensor &x = c.input(0), &y = c.input(1);
    check_index_range(x, c.output_dtype(1));
    OrderedSet<T> exclude(y.num_elements());
    for (int64_t i = 0; i < y.num_elements(); ++i) exclude.add(y.data<T>()[i]);
    std::vector<T> kept;
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      if (exclude.contains(x.data<T>()[i])) continue;
      kept.push_back(x.data<T>()[i]);
      positions.push_back(i);
    }
    write_values(c, kept);
    Tensor& idx = c.allocate_output(1, Shape{static_cast<int64_t>(positions.size())});
    for (size_t i = 0; i < positions.size(); ++i) write_int(idx, static_cast<int64_t>(i), positions[i]);
  }
};

}  // namespace

void register_unique(Registry& r) {
  r.op("Unique")
      .input("x: T")
      .output("y: T")
      .output("idx: out_idx")
      .attr("T: type")
      .attr("out_idx: {int32, int64} = int32")
      .shape(unique_shape)
      .dynamic_output();
  r.kernels<Unique>("Unique", DeviceKind::kCPU, SetTypes{});

  r.op("UniqueWithCounts")
      .input("x: T")
      .output("y: T")
      .output("idx: out_idx")
      .output("count: out_idx")
      .attr("T: type")
      .attr("out_idx: {int32, int64} = int32")
      .shape(unique_shape)
      .dynamic_output();
  r.kernels<Unique>("UniqueWithCounts", DeviceKind::kCPU, SetTypes{});

  r.op("ListDiff")
      .input("x: T")
      .input("y: T")
      .output("out: T")
      .output("idx: out_idx")
      .attr("T: type")
      .attr("out_idx: {int32, int64} = int32")
      .shape(list_diff_shape)
      .dynamic_output();
  r.kernels<ListDiff>("ListDiff", DeviceKind::kCPU, SetTypes{});
}

}  // namespace tfmini

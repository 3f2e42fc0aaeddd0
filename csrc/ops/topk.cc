// The k largest elements of every row, and whether a given class is among them.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/parallel.h"
#include "core/registry.h"
#include "simd/arg.h"

namespace tfmini {
namespace {

void set_top_k_shape(InferContext& c, int64_t k) {
  Shape s = c.with_rank_at_least(0, 1);
  if (s.known_rank()) {
    const int64_t n = s.dim(-1);
    check(n < 0 || k < 0 || n >= k, "input must have last dimension >= k = ", k, " but is ", n);
    s.set_dim(s.rank() - 1, k);
  }
  c.set_output(0, s);
  c.set_output(1, s);
}

void top_k_shape(InferContext& c) { set_top_k_shape(c, c.attrs().integer("k")); }

void top_k_v2_shape(InferContext& c) {
  c.with_rank(1, 0);
  const Tensor* k = c.constant(1);
  if (k) check(k->int_at(0) >= 0, "k must be non-negative, got ", k->int_at(0));
  set_top_k_shape(c, k ? k->int_at(0) : -1);
}

// Larger values first, NaN as the largest of all, equal ones in order of their index.
template <class T>
struct Before {
  const T* x;
  bool operator()(int32_t a, int32_t b) const {
    using C = ComputeType<T>;
    const C u = static_cast<C>(x[a]), v = static_cast<C>(x[b]);
    if (u > v) return true;
    if (u < v) return false;
    const bool u_nan = u != u, v_nan = v != v;
    return u_nan != v_nan ? u_nan : a < b;
  }
};

// Small k: a sorted list of the best so far, which few elements enter once it has warmed up.
template <class T>
void insert_top(const T* x, int64_t n, int64_t k, int32_t* top) {
  using C = ComputeType<T>;
  const Before<T> before{x};
  const auto find_above = simd::arg_loops<T>().find_above;
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (count == k) {
      i = find_above(x, i, n, static_cast<C>(x[top[k - 1]]));
      if (i == n) return;
    }
    const auto index = static_cast<int32_t>(i);
    if (count == k && !before(index, top[k - 1])) continue;
    int64_t place = count == k ? k - 1 : count++;
    for (; place > 0 && before(index, top[place - 1]); --place) top[place] = top[place - 1];
    top[place] = index;
  }
}

// The leading bits of x, those of greater elements greater: NaN comes last, as the greatest.
constexpr int kKeyBits = 12;
template <class T>
uint32_t leading_bits(T element) {
  const auto x = static_cast<ComputeType<T>>(element);
  if constexpr (std::is_floating_point_v<ComputeType<T>>) {
    if (x != x) return (1u << kKeyBits) - 1;
    const float f = static_cast<float>(x) + 0.0f;  // keeps the order; rounds some together, -0 and 0 too
    const auto b = std::bit_cast<uint32_t>(f);
    const uint32_t flip = -(b >> 31) | 0x80000000u;  // no branch: signs are hard to predict
    return (b ^ flip) >> (32 - kKeyBits);
  } else {
    using U = std::make_unsigned_t<T>;
    constexpr int kBits = 8 * sizeof(T), kDrop = kBits > kKeyBits ? kBits - kKeyBits : 0;
    const U flip = std::is_signed_v<T> ? static_cast<U>(U(1) << (kBits - 1)) : U(0);
    return static_cast<uint32_t>(static_cast<U>(static_cast<U>(x) ^ flip) >> kDrop);
  }
}

// Larger k: the leading bits of all elements are counted, which leaves few candidates to sort.
template <class T>
void sort_top(const T* x, int64_t n, int64_t k, int32_t* order, int32_t* top) {
  int64_t count = 0;
  uint32_t least = 0;  // leading bits of the k-th
  if (constexpr int64_t kWorthCounting = 1024; n >= kWorthCounting) {
    uint32_t counts[1 << kKeyBits] = {};
    for (int64_t i = 0; i < n; ++i) ++counts[leading_bits(x[i])];
    least = (1 << kKeyBits) - 1;
    for (int64_t above = counts[least]; above < k;) above += counts[--least];
  }
  for (int64_t i = 0; i < n; ++i) {
    order[count] = static_cast<int32_t>(i);
    count += leading_bits(x[i]) >= least;
  }
  const Before<T> before{x};
  if (k < count) std::nth_element(order, order + k, order + count, before);
  std::sort(order, order + k, before);
  std::copy_n(order, k, top);
}

constexpr int64_t kSmallK = 48;

template <class T>
void top_of_row(const T* x, int64_t n, int64_t k, int32_t* order, T* values, int32_t* indices) {
  if (k <= kSmallK)
    insert_top(x, n, k, indices);
  else
    sort_top(x, n, k, order, indices);
  for (int64_t i = 0; i < k; ++i) values[i] = x[indices[i]];
}

template <class T>
struct TopK {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).dim(-1), k = c.output(0).dim(-1);
    if (c.output(0).num_elements() == 0) return;
    const int64_t rows = c.output(0).num_elements() / k;
    const T* in = c.in<T>(0);
    T* values = c.out<T>(0);
    int32_t* indices = c.out<int32_t>(1);
    const int64_t grain = grain_for_cost((k <= kSmallK ? 0.3 : 3.0) * static_cast<double>(n));
    const int64_t tasks = (rows + grain - 1) / grain;
    Tensor order = c.scratch(DType::kInt32, Shape{k <= kSmallK ? 0 : tasks * n});
    parallel_for(tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        for (int64_t r = t * grain; r < std::min(rows, (t + 1) * grain); ++r)
          top_of_row(in + r * n, n, k, order.data<int32_t>() + (k <= kSmallK ? 0 : t * n), values + r * k,
                     indices + r * k);
    });
  }
};

void in_top_k_shape(InferContext& c) {
  const Shape predictions = c.with_rank(0, 2), targets = c.with_rank(1, 1);
  if (c.num_inputs() == 3) c.with_rank(2, 0);
  c.set_output(0, merge(Shape{predictions[0]}, targets));
}

// A target is in the top k if fewer than k classes are more probable. Never for a class that does not exist, nor where
// a prediction is not finite.
template <class Index>
bool in_top(const float* row, Index target, int64_t classes, int64_t k) {
  if (target < 0 || target >= classes || !std::isfinite(row[target])) return false;
  int64_t above = 0;
  for (int64_t i = 0; i < classes; ++i) {
    if (!std::isfinite(row[i])) return false;
    above += row[i] > row[target];
    if (above > k) return false;
  }
  return above < k;
}

template <class Index>
void in_top_k_rows(KernelContext& c, int64_t k) {
  const int64_t rows = c.input(0).dim(0), classes = c.input(0).dim(1);
  const float* predictions = c.in<float>(0);
  const Index* targets = c.in<Index>(1);
  bool* out = c.out<bool>(0);
  parallel_for(rows, grain_for_cost(1.0 * static_cast<double>(classes)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) out[r] = in_top(predictions + r * classes, targets[r], classes, k);
  });
}

void in_top_k(KernelContext& c, int64_t k) {
  if (c.input(1).dtype() == DType::kInt32)
    in_top_k_rows<int32_t>(c, k);
  else
    in_top_k_rows<int64_t>(c, k);
}

class InTopK {
 public:
  explicit InTopK(const Attrs& attrs) : k_(attrs.integer("k")) {}
  void operator()(KernelContext& c) const { in_top_k(c, k_); }

 private:
  int64_t k_;
};

void in_top_k_v2(KernelContext& c) { in_top_k(c, c.input(2).int_at(0)); }

}  // namespace

void register_topk(Registry& r) {
  constexpr auto kCPU = DeviceKind::kCPU;
  constexpr auto kTypes =
      "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";
  r.op("TopK")
      .input("input: T")
      .output("values: T")
      .output("indices: int32")
      .attr("k: int >= 0")
      .attr("sorted: bool = true")
      .attr(kTypes)
      .shape(top_k_shape);
  r.kernels<TopK>("TopK", kCPU, NumberTypes{});
  r.op("TopKV2")
      .input("input: T")
      .input("k: int32")
      .output("values: T")
      .output("indices: int32")
      .attr("sorted: bool = true")
      .attr(kTypes)
      .shape(top_k_v2_shape)
      .host_input(1);
  r.kernels<TopK>("TopKV2", kCPU, NumberTypes{});

  r.op("InTopK")
      .input("predictions: float")
      .input("targets: T")
      .output("precision: bool")
      .attr("k: int")
      .attr("T: {int32, int64} = int32")
      .shape(in_top_k_shape);
  r.kernel<InTopK>("InTopK", kCPU, DType::kInvalid);
  r.op("InTopKV2")
      .input("predictions: float")
      .input("targets: T")
      .input("k: T")
      .output("precision: bool")
      .attr("T: {int32, int64} = int32")
      .shape(in_top_k_shape)
      .host_input(2);
  r.kernel("InTopKV2", kCPU, DType::kInvalid, in_top_k_v2);
}

}  // namespace tfmini

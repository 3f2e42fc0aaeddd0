// Reading a tensor as if it had been broadcast to a larger shape, a stretch of the output at a time.
//
// Kernels walk the output in stretches and ask every input for the matching elements. An input answers with a pointer
// into its own memory, with one element that stands for the whole stretch, or, where its own runs are too short for
// either, with a copy in scratch memory. Inner loops therefore see only dense vectors and scalars.
#pragma once

#include <cstdint>

#include "core/half.h"
#include "core/shape.h"

namespace tfmini {

class BroadcastInput {
 public:
  struct Span {
    const void* data;
    bool scalar;  // one element for the whole stretch
  };

  BroadcastInput() = default;
  // Both shapes are known and `in` broadcasts to `out`.
  BroadcastInput(const Shape& in, const Shape& out, int element_size);

  // The input covers the output one to one; or it has a single element.
  bool full() const { return rank_ == 0 || (rank_ == 1 && present_[0]); }
  bool scalar() const { return rank_ == 1 && !present_[0]; }
  // One element per row, or per column, of the output seen as a matrix; inner() is then the matrix' row length.
  bool per_row() const { return rank_ == 2 && present_[0]; }
  bool per_column() const { return rank_ == 2 && present_[1]; }
  int64_t inner() const { return inner_; }

  // How far a stretch starting at output element `begin` may go so that read() needs no copy; unbounded where copying
  // is the better choice (runs shorter than kMinRun).
  int64_t run_from(int64_t begin) const {
    if (rank_ <= 1 || inner_ < kMinRun) return INT64_MAX;
    return inner_ - begin % inner_;
  }
  // The input's elements for output elements [begin, begin + n). `scratch` has room for n elements.
  Span read(const void* base, int64_t begin, int64_t n, void* scratch) const;
  // Position in the input of one output element.
  TFMINI_HOST_DEVICE int64_t index(int64_t out_index) const { return walk_from(out_index).at; }
  // The same, and that of its neighbours: `run` output elements, this one included, are `step` from each other.
  struct Walk {
    int64_t at, step, run;
  };
  TFMINI_HOST_DEVICE Walk walk_from(int64_t out_index) const {
    if (rank_ == 0) return {out_index, 1, INT64_MAX};
    const int last = rank_ - 1;
    Walk w{0, strides_[last], sizes_[last]};
#if defined(__CUDACC__)
#pragma unroll 1
#endif
    for (int d = last; d > 0; --d) {
      const int64_t outer = quotient(out_index, sizes_[d]), inner = out_index - outer * sizes_[d];
      w.at += inner * strides_[d];
      if (d == last) w.run -= inner;
      out_index = outer;
    }
    w.at += out_index * strides_[0];
    if (last == 0) w.run -= out_index;
    return w;
  }

  static constexpr int64_t kMinRun = 128;

 private:
  // The output's dimensions with neighbours of one kind merged: alternately present in the input and broadcast.
  int rank_ = 0;
  int64_t sizes_[Shape::kMaxRank];
  int64_t strides_[Shape::kMaxRank];  // in elements of the input; 0 where broadcast
  bool present_[Shape::kMaxRank];
  int64_t inner_ = 1;  // size of the last merged dimension
  int element_size_ = 1;

  // Most indices fit 32 bits, for which division is several times faster, on GPUs above all.
  static TFMINI_HOST_DEVICE int64_t quotient(int64_t a, int64_t b) {
    if (((a | b) >> 32) == 0) return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
    return a / b;
  }

  template <class T>
  void gather(const T* base, int64_t begin, int64_t n, T* out) const;
};

// out[r * width + i] = x[r] for r < rows, i < width.
void spread_rows(const void* x, void* out, int64_t rows, int64_t width, int element_size);

// Splits output elements [begin, end) into stretches of at most `limit` that no input has to cross a run for.
template <class Fn, class... Inputs>
void for_each_stretch(int64_t begin, int64_t end, int64_t limit, const Fn& fn, const Inputs&... inputs) {
  while (begin < end) {
    int64_t n = end - begin < limit ? end - begin : limit;
    ((n = inputs.run_from(begin) < n ? inputs.run_from(begin) : n), ...);
    fn(begin, n);
    begin += n;
  }
}

}  // namespace tfmini

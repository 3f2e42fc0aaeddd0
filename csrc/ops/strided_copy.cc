#include "ops/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "core/elements.h"
#include "core/parallel.h"
#include "simd/transpose.h"

namespace tfmini {
namespace {

using Dim = StridedCopy::Dim;

// One transposed tile: short columns of the source, whose rows it reads 256 elements at a time.
constexpr int64_t kTileSide = 64;
constexpr int64_t kTileElements = 256 * kTileSide;

// What is larger will not be found in cache by whoever reads it next.
constexpr int64_t kCacheBytes = 16 << 20;

// One run of at most so many bytes needs no loop nest, so few elements no tiles.
constexpr size_t kSmallRun = 16 << 10;
constexpr int64_t kFewElements = 128;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Position in the outer loops: multi-index and the two offsets that belong to it.
struct Odometer {
  Odometer(const Dim* dims, int rank, int64_t start) : dims_(dims), rank_(rank) {
    for (int k = rank - 1; k >= 0; --k) {
      index_[k] = start % dims[k].size;
      start /= dims[k].size;
      from += index_[k] * dims[k].from;
      to += index_[k] * dims[k].to;
    }
  }
  void next() {
    for (int k = rank_ - 1; k >= 0; --k) {
      from += dims_[k].from;
      to += dims_[k].to;
      if (++index_[k] < dims_[k].size) return;
      from -= dims_[k].size * dims_[k].from;
      to -= dims_[k].size * dims_[k].to;
      index_[k] = 0;
    }
  }
  int64_t from = 0, to = 0;

 private:
  const Dim* dims_;
  int rank_;
  std::array<int64_t, StridedCopy::kMaxDims> index_;
};

int64_t product(const Dim* dims, int rank) {
  int64_t n = 1;
  for (int k = 0; k < rank; ++k) n *= dims[k].size;
  return n;
}

template <class T>
void move_row(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t n) {
  if (to_stride == 1 && from_stride == 1) {
    std::copy_n(from, n, to);
  } else if (to_stride == 1 && from_stride == 0) {
    std::fill_n(to, n, *from);
  } else if (to_stride == 1 && from_stride == -1) {  // known strides vectorise
    for (int64_t i = 0; i < n; ++i) to[i] = from[-i];
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
  }
}

template <class T>
void copy_few(const Dim* dims, int rank, const T* from, T* to) {
  const Dim d = dims[0];
  for (int64_t i = 0; i < d.size; ++i, from += d.from, to += d.to)
    if (rank > 1)
      copy_few(dims + 1, rank - 1, from, to);
    else
      *to = *from;
}

// Rows along the innermost dimension; long rows are cut so that one row alone can use all threads.
template <class T>
void copy_rows(const Dim* dims, int rank, const T* from, T* to) {
  const Dim& inner = dims[rank - 1];
  const int64_t piece = std::min<int64_t>(inner.size, (128 << 10) / sizeof(T));
  const int64_t pieces = ceil_div(inner.size, piece);
  const int64_t outer = product(dims, rank - 1);
  parallel_for(outer * pieces, grain_for_bytes(2 * piece * sizeof(T)), [&](int64_t begin, int64_t end) {
    Odometer at(dims, rank - 1, begin / pieces);
    for (int64_t i = begin, p = begin % pieces; i < end; ++i) {
      const int64_t first = p * piece;
      move_row(from + at.from + first * inner.from, inner.from, to + at.to + first * inner.to, inner.to,
               std::min(piece, inner.size - first));
      if (++p == pieces) {
        p = 0;
        at.next();
      }
    }
  });
}

template <class T>
void transpose_tile(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols,
                    bool large) {
  if constexpr (std::is_unsigned_v<T>) {
    simd::transpose_fn<T>()(from, from_stride, to, to_stride, rows, cols, large);
  } else {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) to[i * to_stride + j] = from[j * from_stride + i];
  }
}

// dims[a] is contiguous in the source, the innermost dimension in the destination: tile the two.
template <class T>
void copy_transposed(const Dim* dims, int rank, int a, const T* from, T* to) {
  const Dim rows = dims[a], cols = dims[rank - 1];
  std::array<Dim, StridedCopy::kMaxDims> others;
  int n = 0;
  for (int k = 0; k < rank - 1; ++k)
    if (k != a) others[n++] = dims[k];
  const int64_t row_step = std::min(rows.size, kTileElements / std::min(cols.size, kTileSide));
  const int64_t col_step = std::min(cols.size, kTileElements / std::min(row_step, kTileElements));
  const int64_t row_tiles = ceil_div(rows.size, row_step), col_tiles = ceil_div(cols.size, col_step);
  const int64_t tiles = row_tiles * col_tiles;
  const int64_t grain = grain_for_bytes(2 * row_step * col_step * sizeof(T));
  const bool large = product(dims, rank) * static_cast<int64_t>(sizeof(T)) > kCacheBytes;
  parallel_for(product(others.data(), n) * tiles, grain, [&](int64_t begin, int64_t end) {
    Odometer at(others.data(), n, begin / tiles);
    for (int64_t i = begin, t = begin % tiles; i < end; ++i) {
      const int64_t r = t / col_tiles * row_step, c = t % col_tiles * col_step;
      transpose_tile(from + at.from + r + c * cols.from, cols.from, to + at.to + r * rows.to + c, rows.to,
                     std::min(row_step, rows.size - r), std::min(col_step, cols.size - c), large);
      if (++t == tiles) {
        t = 0;
        at.next();
      }
    }
  });
}

template <class T>
void copy_nest(const Dim* dims, int rank, const T* from, T* to) {
  if (rank == 0) {
    *to = *from;
    return;
  }
  const Dim& inner = dims[rank - 1];
  if (inner.to == 1 && inner.from != 0 && inner.from != 1)
    for (int a = 0; a < rank - 1; ++a)
      if (dims[a].from == 1) return copy_transposed(dims, rank, a, from, to);
  copy_rows(dims, rank, from, to);
}

// Can inner runs of `dims` be moved as single elements of `run` bytes? Then rescales the strides.
bool widen(std::array<Dim, StridedCopy::kMaxDims>& dims, int& rank, int64_t run, size_t bytes, const void* from,
           const void* to) {
  const Dim& inner = dims[rank - 1];
  if (inner.from != 1 || inner.to != 1 || inner.size != run) return false;
  if ((reinterpret_cast<uintptr_t>(from) | reinterpret_cast<uintptr_t>(to)) % std::min<size_t>(bytes, 8)) return false;
  for (int k = 0; k < rank - 1; ++k)
    if (dims[k].from % run || dims[k].to % run) return false;
  --rank;
  for (int k = 0; k < rank; ++k) {
    dims[k].from /= run;
    dims[k].to /= run;
  }
  return true;
}

}  // namespace

StridedCopy& StridedCopy::dim(int64_t size, int64_t from_stride, int64_t to_stride) {
  if (size == 0) empty_ = true;
  if (size == 1) return *this;
  if (rank_ > 0) {
    Dim& last = dims_[rank_ - 1];
    if (last.from == from_stride * size && last.to == to_stride * size) {
      last = {last.size * size, from_stride, to_stride};
      return *this;
    }
  }
  if (rank_ == kMaxDims) fail(Code::kUnimplemented, "too many dimensions");
  dims_[rank_++] = {size, from_stride, to_stride};
  return *this;
}

void StridedCopy::operator()(DType dtype, const void* from, void* to) const {
  if (empty_) return;
  const bool is_run = rank_ == 0 || (rank_ == 1 && dims_[0].from == 1 && dims_[0].to == 1);
  if (is_run && is_pod(dtype)) {
    const size_t run = dtype_size(dtype) * static_cast<size_t>(rank_ == 0 ? 1 : dims_[0].size);
    if (run <= kSmallRun) {
      std::memcpy(to, from, run);
      return;
    }
  }
  if (product(dims_.data(), rank_) <= kFewElements)
    return with_element(dtype, [&]<class T>(std::type_identity<T>) {
      if (rank_ == 0)
        *static_cast<T*>(to) = *static_cast<const T*>(from);
      else
        copy_few(dims_.data(), rank_, static_cast<const T*>(from), static_cast<T*>(to));
    });
  auto dims = dims_;
  int rank = rank_;
  size_t bytes = dtype_size(dtype);
  if (is_pod(dtype) && rank > 1) {
    const int64_t run = dims[rank - 1].size;
    if (run <= 16 && (run & (run - 1)) == 0 && run * bytes <= 16 && widen(dims, rank, run, run * bytes, from, to))
      bytes *= run;
  }
  // Any dtype of the widened size will do.
  if (is_pod(dtype) && bytes != dtype_size(dtype))
    dtype = bytes == 2   ? DType::kUInt16
            : bytes == 4 ? DType::kUInt32
            : bytes == 8 ? DType::kUInt64
                         : DType::kComplex128;
  with_element(dtype, [&]<class T>(std::type_identity<T>) {
    copy_nest(dims.data(), rank, static_cast<const T*>(from), static_cast<T*>(to));
  });
}

void StridedCopy::operator()(const KernelContext& c, DType dtype, const void* from, void* to) const {
#if defined(TFMINI_WITH_CUDA)
  if (c.device().kind() == DeviceKind::kCUDA) {
    if (!empty_) cuda::strided_copy(c, dims_.data(), rank_, dtype_size(dtype), from, to);
    return;
  }
#endif
  (*this)(dtype, from, to);
}

std::array<int64_t, Shape::kMaxRank> row_major_strides(const Shape& shape) {
  std::array<int64_t, Shape::kMaxRank> strides{};
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

void copy_run(DType dtype, const void* from, void* to, int64_t count) {
  if (const size_t bytes = dtype_size(dtype) * static_cast<size_t>(count); bytes <= kSmallRun && is_pod(dtype))
    std::memcpy(to, from, bytes);
  else
    StridedCopy().dim(count, 1, 1)(dtype, from, to);
}

void fill_run(DType dtype, const void* value, void* to, int64_t count) {
  if (dtype_size(dtype) * static_cast<size_t>(count) <= kSmallRun && is_pod(dtype))
    return with_element(dtype, [&]<class T>(std::type_identity<T>) {
      std::fill_n(static_cast<T*>(to), count, *static_cast<const T*>(value));
    });
  StridedCopy().dim(count, 0, 1)(dtype, value, to);
}

void zero_run(DType dtype, void* to, int64_t count) {
  if (const size_t bytes = dtype_size(dtype) * static_cast<size_t>(count);
      bytes > 0 && bytes <= kSmallRun && is_pod(dtype)) {
    std::memset(to, 0, bytes);
    return;
  }
  with_element(dtype, [&]<class T>(std::type_identity<T>) {
    const T zero{};
    fill_run(dtype, &zero, to, count);
  });
}

void copy_run(const KernelContext& c, DType dtype, const void* from, void* to, int64_t count) {
  copy_runs(c, dtype, from, count, to, count, 1, count);
}

void copy_runs(const KernelContext& c, DType dtype, const void* from, int64_t from_stride, void* to, int64_t to_stride,
               int64_t rows, int64_t size) {
  if (rows == 1 && c.device().kind() == DeviceKind::kCPU) return copy_run(dtype, from, to, size);
  StridedCopy().dim(rows, from_stride, to_stride).dim(size, 1, 1)(c, dtype, from, to);
}

void fill_run(const KernelContext& c, DType dtype, const void* value, void* to, int64_t count) {
  StridedCopy().dim(count, 0, 1)(c, dtype, value, to);
}

void zero_run(const KernelContext& c, DType dtype, void* to, int64_t count) {
#if defined(TFMINI_WITH_CUDA)
  if (c.device().kind() == DeviceKind::kCUDA) return cuda::zero(c, to, static_cast<size_t>(count) * dtype_size(dtype));
#endif
  zero_run(dtype, to, count);
}

}  // namespace tfmini

#include "core/shape.h"

#include <algorithm>
#include <ostream>

#include "core/error.h"

namespace tfmini {

Shape::Shape(std::initializer_list<int64_t> dims) : Shape(dims.begin(), static_cast<int>(dims.size())) {}

Shape::Shape(const int64_t* dims, int rank) : rank_(rank) {
  if (rank > kMaxRank)
    fail(Code::kUnimplemented, "tensors of rank ", rank, " are not supported (at most ", kMaxRank, ")");
  std::copy(dims, dims + rank, dims_.begin());
}

Shape Shape::unknown_of_rank(int rank) {
  Shape s;
  for (int i = 0; i < rank; ++i) s.add_dim(kUnknownDim);
  return s;
}

void Shape::add_dim(int64_t size) {
  if (rank_ >= kMaxRank) fail(Code::kUnimplemented, "tensors of rank above ", kMaxRank, " are not supported");
  dims_[rank_++] = size;
}

void Shape::insert_dim(int axis, int64_t size) {
  add_dim(size);
  std::rotate(dims_.begin() + axis, dims_.begin() + rank_ - 1, dims_.begin() + rank_);
}

void Shape::remove_dim(int axis) {
  std::copy(dims_.begin() + axis + 1, dims_.begin() + rank_, dims_.begin() + axis);
  --rank_;
}

bool Shape::fully_defined() const {
  return rank_ >= 0 && std::none_of(begin(), end(), [](int64_t d) { return d < 0; });
}

int64_t Shape::num_elements() const {
  if (!fully_defined()) return -1;
  return product(0, rank_);
}

int64_t Shape::product(int from, int to) const {
  int64_t n = 1;
  for (int i = from; i < to; ++i)
    if (__builtin_mul_overflow(n, dims_[i], &n)) invalid_argument("shape ", str(), " has too many elements");
  return n;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
}

bool Shape::compatible_with(const Shape& other) const {
  if (rank_ < 0 || other.rank_ < 0) return true;
  if (rank_ != other.rank_) return false;
  for (int i = 0; i < rank_; ++i)
    if (dims_[i] >= 0 && other.dims_[i] >= 0 && dims_[i] != other.dims_[i]) return false;
  return true;
}

std::string Shape::str() const {
  if (rank_ < 0) return "<unknown>";
  std::string s = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i) s += ',';
    s += dims_[i] < 0 ? "?" : std::to_string(dims_[i]);
  }
  return s + "]";
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

Shape merge(const Shape& a, const Shape& b) {
  if (!a.known_rank()) return b;
  if (!b.known_rank()) return a;
  check(a.compatible_with(b), "shapes ", a, " and ", b, " are not compatible");
  Shape out = a;
  for (int i = 0; i < a.rank(); ++i)
    if (a[i] < 0) out.set_dim(i, b[i]);
  return out;
}

Shape broadcast(const Shape& a, const Shape& b) {
  if (!a.known_rank() || !b.known_rank()) return Shape::unknown();
  const int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::unknown_of_rank(rank);
  for (int i = 1; i <= rank; ++i) {
    const int64_t x = i <= a.rank() ? a.dim(-i) : 1;
    const int64_t y = i <= b.rank() ? b.dim(-i) : 1;
    int64_t d;
    if (x == 1) {
      d = y;
    } else if (y == 1 || x == y) {
      d = x;
    } else if (x < 0 || y < 0) {
      d = std::max(x, y);  // the known one wins: it is neither 1 nor unknown
    } else {
      invalid_argument("shapes ", a, " and ", b, " do not broadcast: dimension ", x, " against ", y);
    }
    out.set_dim(rank - i, d);
  }
  return out;
}

}  // namespace tfmini

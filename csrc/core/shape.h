// Shapes: up to kMaxRank dimensions, inline. While a graph is built a dimension may be -1
// (unknown) and the rank itself may be unknown; every shape a kernel sees is fully defined.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

namespace tfmini {

class Shape {
 public:
  static constexpr int kMaxRank = 8;
  static constexpr int64_t kUnknownDim = -1;

  Shape() = default;  // a scalar
  Shape(std::initializer_list<int64_t> dims);
  Shape(const int64_t* dims, int rank);
  static Shape unknown() {
    Shape s;
    s.rank_ = -1;
    return s;
  }
  static Shape unknown_of_rank(int rank);

  // -1 if unknown.
  int rank() const { return rank_; }
  bool known_rank() const { return rank_ >= 0; }
  // Negative axes count from the back; the caller has checked the range.
  int64_t dim(int axis) const { return dims_[axis < 0 ? axis + rank_ : axis]; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  void set_dim(int axis, int64_t size) { dims_[axis] = size; }
  void add_dim(int64_t size);  // throws InvalidArgumentError past kMaxRank
  void insert_dim(int axis, int64_t size);
  void remove_dim(int axis);
  const int64_t* data() const { return dims_.data(); }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + (rank_ < 0 ? 0 : rank_); }

  bool fully_defined() const;
  // Product of the dimensions; -1 unless fully defined. Throws on overflow of int64.
  int64_t num_elements() const;
  // Product of dims [from, to); all must be known.
  int64_t product(int from, int to) const;

  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }
  // Could both describe the same tensor?
  bool compatible_with(const Shape& other) const;
  // "[2,?,3]", "[]", "<unknown>"
  std::string str() const;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

// The most specific shape both agree on; throws InvalidArgumentError if they contradict each other.
Shape merge(const Shape& a, const Shape& b);
// NumPy broadcasting of two shapes, unknown dimensions allowed; throws if incompatible.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace tfmini

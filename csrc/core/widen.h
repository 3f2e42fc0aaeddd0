// Kernels that compute in ComputeType<T> on whole tensors: 16-bit floats are widened into a copy
// and results narrowed at the end; for other types both are the tensor itself.
#pragma once

#include <type_traits>

#include "core/parallel.h"
#include "core/tensor.h"

namespace tfmini {

template <class To, class From>
void convert_elements(const From* from, To* to, int64_t n) {
  parallel_for(n, grain_for_bytes(sizeof(From) + sizeof(To)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
  });
}

template <class T>
class Widened {
 public:
  using Compute = ComputeType<T>;
  explicit Widened(const Tensor& t) : data_(nullptr) {
    if constexpr (std::is_same_v<T, Compute>) {
      data_ = t.data<T>();
    } else {
      copy_ = Tensor(dtype_of<Compute>, t.shape());
      convert_elements(t.data<T>(), copy_.data<Compute>(), t.num_elements());
      data_ = copy_.data<Compute>();
    }
  }
  const Compute* data() const { return data_; }

 private:
  Tensor copy_;
  const Compute* data_;
};

// Where to compute the elements of `t`; store() puts them there.
template <class T>
class Narrowed {
 public:
  using Compute = ComputeType<T>;
  explicit Narrowed(Tensor& t) : target_(t) {
    if constexpr (!std::is_same_v<T, Compute>) copy_ = Tensor(dtype_of<Compute>, t.shape());
  }
  Compute* data() {
    if constexpr (std::is_same_v<T, Compute>)
      return target_.data<T>();
    else
      return copy_.data<Compute>();
  }
  void store() {
    if constexpr (!std::is_same_v<T, Compute>)
      convert_elements(copy_.data<Compute>(), target_.data<T>(), target_.num_elements());
  }

 private:
  Tensor& target_;
  Tensor copy_;
};

}  // namespace tfmini

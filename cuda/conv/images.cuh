// Images with channels last, which is what the kernels want, whatever the tensors are.
#pragma once

#include "conv/geometry.h"
#include "core/op.h"
#include "gemm/gemm.cuh"
#include "gemm/run.cuh"
#include "gemm/transpose.cuh"

namespace tfmini::cuda {

// Tensors [batch, channels, pixels...] if `nchw`, else [batch, pixels..., channels].
template <class T>
class ImageInput {
 public:
  ImageInput(const KernelContext& c, const Place& place, const Tensor& t, bool nchw) : data_(t.data<T>()) {
    if (!nchw || t.num_elements() == 0) return;
    last_ = c.scratch(dtype_of<T>, t.shape());
    launch_transpose(Transpose::dense(t.dim(0), checked_int(t.dim(1), "channels"),
                                      checked_int(t.shape().product(2, t.rank()), "pixels")),
                     sizeof(T), data_, last_.raw(), place.stream);
    data_ = last_.data<T>();
  }
  const T* data() const { return data_; }

 private:
  Tensor last_;
  const T* data_;
};

template <class T>
class ImageOutput {
 public:
  ImageOutput(const KernelContext& c, const Place& place, Tensor& t, bool nchw)
      : place_(place), target_(t), nchw_(nchw && t.num_elements() > 0) {
    if (nchw_) last_ = c.scratch(dtype_of<T>, t.shape());
  }
  T* data() { return nchw_ ? last_.data<T>() : target_.data<T>(); }
  void store() {
    if (!nchw_) return;
    launch_transpose(Transpose::dense(target_.dim(0), checked_int(target_.shape().product(2, target_.rank()), "pixels"),
                                      checked_int(target_.dim(1), "channels")),
                     sizeof(T), last_.raw(), target_.raw(), place_.stream);
  }

 private:
  const Place& place_;
  Tensor& target_;
  bool nchw_;
  Tensor last_;
};

}  // namespace tfmini::cuda

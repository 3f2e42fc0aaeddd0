// Images with channels last, in the type arithmetic is done in: what kernels that loop over channels
// want, whatever the tensors are. Without conversion and with NHWC tensors nothing is copied.
#pragma once

#include "conv/band.h"
#include "core/widen.h"

namespace tfmini {

// in[image][channel][pixel] -> out[image][pixel][channel]
template <class T>
void to_channels_last(const T* in, int64_t images, int64_t channels, int64_t pixels, T* out) {
  parallel_for(images, grain_for_bytes(2 * channels * pixels * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i * channels * pixels;
      conv::load_band<T>({in + at, 1, pixels, channels, true}, {0, 0, 1, pixels}, out + at);
    }
  });
}

// in[image][pixel][channel] -> out[image][channel][pixel]
template <class T>
void to_channels_first(const T* in, int64_t images, int64_t channels, int64_t pixels, T* out) {
  parallel_for(images, grain_for_bytes(2 * channels * pixels * sizeof(T)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = i * channels * pixels;
      conv::store_planes(in + at, pixels, channels, out + at);
    }
  });
}

// Tensors [batch, channels, pixels...] if `channels_first`, else [batch, pixels..., channels].
template <class T>
class ImageInput {
 public:
  using Compute = ComputeType<T>;
  ImageInput(const Tensor& t, bool channels_first) : wide_(t), data_(wide_.data()) {
    if (!channels_first) return;
    last_ = Tensor(dtype_of<Compute>, t.shape());
    to_channels_last(data_, t.dim(0), t.dim(1), t.shape().product(2, t.rank()), last_.data<Compute>());
    data_ = last_.data<Compute>();
  }
  const Compute* data() const { return data_; }

 private:
  Widened<T> wide_;
  Tensor last_;
  const Compute* data_;
};

template <class T>
class ImageOutput {
 public:
  using Compute = ComputeType<T>;
  ImageOutput(Tensor& t, bool channels_first) : target_(t), narrow_(t), first_(channels_first) {
    if (channels_first) last_ = Tensor(dtype_of<Compute>, t.shape());
  }
  Compute* data() { return first_ ? last_.data<Compute>() : narrow_.data(); }
  void store() {
    if (first_)
      to_channels_first(last_.data<Compute>(), target_.dim(0), target_.dim(1),
                        target_.shape().product(2, target_.rank()), narrow_.data());
    narrow_.store();
  }

 private:
  Tensor& target_;
  Narrowed<T> narrow_;
  bool first_;
  Tensor last_;
};

}  // namespace tfmini

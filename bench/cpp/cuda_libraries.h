// NVIDIA's libraries, if they are on this machine: nothing here needs their headers or links to them. Numbers of
// enumerators are those of their public interfaces.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "conv/geometry.h"
#include "core/dtype.h"

namespace tfmini::bench {

class Library {
 public:
  Library(std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (!handle_) handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  explicit operator bool() const { return handle_ != nullptr; }
  // Calls a function that returns a status; true if that is 0.
  template <class... Args>
  bool call(const char* name, Args... args) const {
    const auto function = handle_ ? reinterpret_cast<int (*)(Args...)>(dlsym(handle_, name)) : nullptr;
    return function && function(args...) == 0;
  }

 private:
  void* handle_ = nullptr;
};

// The libraries' number of an element type.
struct LibraryType {
  int cuda, cudnn;
};
inline LibraryType library_type(DType dtype) {
  switch (dtype) {
    case DType::kDouble:
      return {1, 1};
    case DType::kHalf:
      return {2, 2};
    case DType::kBFloat16:
      return {14, 9};
    default:
      return {0, 0};
  }
}

class Cublas {
 public:
  explicit Cublas(void* stream) {
    good_ =
        library_ && library_.call("cublasCreate_v2", &handle_) && library_.call("cublasSetStream_v2", handle_, stream);
  }
  explicit operator bool() const { return good_; }

  // C = A B of dense row-major matrices: in the library's column-major eyes, C' = B' A'.
  bool gemm(DType dtype, bool tf32, int64_t m, int64_t n, int64_t k, const void* a, bool ta, const void* b, bool tb,
            void* c) const {
    const bool wide = dtype == DType::kDouble;
    const float one = 1, zero = 0;
    const double wide_one = 1, wide_zero = 0;
    const void* alpha = wide ? static_cast<const void*>(&wide_one) : &one;
    const void* beta = wide ? static_cast<const void*>(&wide_zero) : &zero;
    const int type = library_type(dtype).cuda;
    const int compute = wide ? 70 : dtype == DType::kFloat && tf32 ? 77 : 68;
    return library_.call("cublasGemmEx", handle_, int{tb}, int{ta}, static_cast<int>(n), static_cast<int>(m),
                         static_cast<int>(k), alpha, b, type, static_cast<int>(tb ? k : n), a, type,
                         static_cast<int>(ta ? m : k), beta, c, type, static_cast<int>(n), compute, -1);
  }

 private:
  Library library_{"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
  void* handle_ = nullptr;
  bool good_ = false;
};

// A forward convolution of NHWC images by the library's implicit product with precomputed indices. Filters lie as
// [out, height, width, in] there, which is for the library to say: times do not depend on the values.
class Cudnn {
 public:
  explicit Cudnn(void* stream) {
    good_ = library_ && library_.call("cudnnCreate", &handle_) && library_.call("cudnnSetStream", handle_, stream);
  }
  explicit operator bool() const { return good_; }

  // Bytes of scratch memory, or -1 if the library cannot do this.
  int64_t prepare(DType dtype, bool tf32, const ConvGeometry& g) {
    const int type = library_type(dtype).cudnn;
    const auto i = [](int64_t n) { return static_cast<int>(n); };
    size_t bytes = 0;
    const bool fine =
        library_.call("cudnnCreateTensorDescriptor", &x_) && library_.call("cudnnCreateTensorDescriptor", &y_) &&
        library_.call("cudnnCreateFilterDescriptor", &f_) &&
        library_.call("cudnnCreateConvolutionDescriptor", &conv_) &&
        library_.call("cudnnSetTensor4dDescriptor", x_, 1, type, i(g.batch), i(g.in_channels), i(g.h.in), i(g.w.in)) &&
        library_.call("cudnnSetTensor4dDescriptor", y_, 1, type, i(g.batch), i(g.out_channels), i(g.h.out),
                      i(g.w.out)) &&
        library_.call("cudnnSetFilter4dDescriptor", f_, type, 1, i(g.out_channels), i(g.in_channels), i(g.h.kernel),
                      i(g.w.kernel)) &&
        library_.call("cudnnSetConvolution2dDescriptor", conv_, i(g.h.pad), i(g.w.pad), i(g.h.stride), i(g.w.stride),
                      i(g.h.dilation), i(g.w.dilation), 1, 0) &&
        // 1: tensor cores; 3: multiply-adds only.
        library_.call("cudnnSetConvolutionMathType", conv_, dtype == DType::kFloat && !tf32 ? 3 : 1) &&
        library_.call("cudnnGetConvolutionForwardWorkspaceSize", handle_, x_, f_, conv_, y_, kAlgorithm, &bytes);
    return fine ? static_cast<int64_t>(bytes) : -1;
  }
  bool forward(const void* x, const void* f, void* scratch, int64_t scratch_bytes, void* y) const {
    const float one = 1, zero = 0;
    return library_.call("cudnnConvolutionForward", handle_, static_cast<const void*>(&one), x_, x, f_, f, conv_,
                         kAlgorithm, scratch, static_cast<size_t>(scratch_bytes), static_cast<const void*>(&zero), y_,
                         y);
  }

 private:
  static constexpr int kAlgorithm = 1;
  Library library_{"libcudnn.so.9", "libcudnn.so.8", "libcudnn.so"};
  void *handle_ = nullptr, *x_ = nullptr, *y_ = nullptr, *f_ = nullptr, *conv_ = nullptr;
  bool good_ = false;
};

}  // namespace tfmini::bench

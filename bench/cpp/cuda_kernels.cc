// Matrix products and convolutions on a GPU, each next to NVIDIA's library where it is found (rows "cublas", "cudnn").
// Names of products are m x k x n and N or T per operand.
#include <cstdio>
#include <memory>
#include <string>

#include "harness.h"

#if defined(TFMINI_WITH_CUDA)
#include "conv/conv.cuh"
#include "core/devices.h"
#include "core/tensor_float_32.h"
#include "cuda_libraries.h"
#include "gemm/gemm.cuh"

namespace tfmini::bench {
namespace {

// Device memory full of small values that are not all the same: power, and so speed, depends on the bits.
template <class T>
BufferRef filled(int64_t elements) {
  Device& gpu = cuda::device(0);
  BufferRef buffer = gpu.allocate(static_cast<size_t>(elements) * sizeof(T));
  std::vector<T> values(static_cast<size_t>(elements));
  uint32_t state = 1;
  for (T& v : values) {
    state = state * 1664525u + 1013904223u;
    v = T(static_cast<float>(state >> 9) / (1 << 22) - 1.0f);
  }
  gpu.copy_from_host(buffer->data(), values.data(), values.size() * sizeof(T));
  gpu.synchronize();
  return buffer;
}

void* stream() { return reinterpret_cast<void*>(cuda::device(0).queue_handle()); }
Suite::Call nothing() {
  return [] {};
}
[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "%s refused this call\n", what);
  std::exit(1);
}

template <class T>
void add_gemm(Suite& suite, const std::string& type, const char* shape, bool tf32) {
  long m = 0, k = 0, n = 0;
  char a_order = 'N', b_order = 'N';
  std::sscanf(shape, "%ldx%ldx%ld_%c%c", &m, &k, &n, &a_order, &b_order);
  const bool ta = a_order == 'T', tb = b_order == 'T';
  const Work work{2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
                  static_cast<double>(sizeof(T)) * static_cast<double>(m * k + k * n + m * n)};
  suite.row("gemm_" + type + "_" + shape, work, [=]() -> Suite::Call {
    const BufferRef a = filled<T>(m * k), b = filled<T>(k * n), c = filled<T>(m * n);
    return [=] {
      tensor_float_32_allowed = tf32;
      cuda::gemm(cuda::place(cuda::device(0)),
                 cuda::dense_gemm(m, n, k, static_cast<const T*>(a->data()), ta, static_cast<const T*>(b->data()), tb,
                                  static_cast<T*>(c->data())));
    };
  });
  suite.row("cublas_" + type + "_" + shape, work, [=]() -> Suite::Call {
    const auto cublas = std::make_shared<Cublas>(stream());
    if (!*cublas) return nothing();
    const BufferRef a = filled<T>(m * k), b = filled<T>(k * n), c = filled<T>(m * n);
    return [=] {
      if (!cublas->gemm(dtype_of<T>, tf32, m, n, k, a->data(), ta, b->data(), tb, c->data())) give_up("cuBLAS");
    };
  });
}

struct ConvShape {
  int64_t batch, size, in, out, kernel, stride;
};

template <class T>
void add_conv(Suite& suite, const std::string& type, const ConvShape& s, bool tf32) {
  ConvGeometry g;
  g.batch = s.batch;
  g.in_channels = s.in;
  g.out_channels = s.out;
  g.h = {s.size, s.kernel, s.stride, 1, s.kernel / 2, (s.size - 1) / s.stride + 1};
  g.w = g.h;
  const int64_t x_size = g.batch * g.h.in * g.w.in * s.in, y_size = g.batch * g.h.out * g.w.out * s.out;
  const int64_t f_size = g.depth() * s.out;
  const Work work{2.0 * static_cast<double>(y_size) * static_cast<double>(g.depth()),
                  static_cast<double>(sizeof(T)) * static_cast<double>(x_size + y_size + f_size)};
  const std::string name = type + "_" + std::to_string(s.batch) + "x" + std::to_string(s.size) + "x" +
                           std::to_string(s.in) + "_" + std::to_string(s.kernel) + "x" + std::to_string(s.out) + "_s" +
                           std::to_string(s.stride);
  enum class Pass { kForward, kInputGrad, kFilterGrad };
  const auto row = [&](const char* what, Pass pass) {
    suite.row(what + name, work, [=]() -> Suite::Call {
      const BufferRef x = filled<T>(x_size), f = filled<T>(f_size), y = filled<T>(y_size);
      return [=] {
        tensor_float_32_allowed = tf32;
        T *xp = static_cast<T*>(x->data()), *fp = static_cast<T*>(f->data()), *yp = static_cast<T*>(y->data());
        const cuda::Place place = cuda::place(cuda::device(0));
        if (pass == Pass::kForward) cuda::conv_forward<T>(place, g, xp, fp, yp);
        if (pass == Pass::kInputGrad) cuda::conv_input_grad<T>(place, g, fp, yp, xp);
        if (pass == Pass::kFilterGrad) cuda::conv_filter_grad<T>(place, g, xp, yp, fp);
      };
    });
  };
  row("conv_", Pass::kForward);
  suite.row("cudnn_" + name, work, [=]() -> Suite::Call {
    const auto cudnn = std::make_shared<Cudnn>(stream());
    const int64_t bytes = *cudnn ? cudnn->prepare(dtype_of<T>, tf32, g) : -1;
    if (bytes < 0) return nothing();
    const BufferRef x = filled<T>(x_size), f = filled<T>(f_size), y = filled<T>(y_size);
    const BufferRef scratch = cuda::device(0).allocate(static_cast<size_t>(bytes));
    return [=] {
      if (!cudnn->forward(x->data(), f->data(), scratch->data(), bytes, y->data())) give_up("cuDNN");
    };
  });
  row("conv_input_grad_", Pass::kInputGrad);
  row("conv_filter_grad_", Pass::kFilterGrad);
}

void add_rows(Suite& suite) {
  for (const char* shape :
       {"512x512x512_NN", "1024x1024x1024_NN", "2048x2048x2048_NN", "4096x4096x4096_NN", "4096x4096x4096_NT",
        "4096x4096x4096_TN", "8192x8192x8192_NN", "64x4096x4096_NN", "4096x4096x64_NN", "64x16384x64_NN",
        "1x4096x4096_NN", "1x4096x4096_NT", "1000x1000x1000_NN", "1001x1001x1001_NN"}) {
    add_gemm<BFloat16>(suite, "bf16", shape, true);
    add_gemm<Half>(suite, "f16", shape, true);
    add_gemm<float>(suite, "tf32", shape, true);
    add_gemm<float>(suite, "f32", shape, false);
  }
  for (const char* shape : {"1024x1024x1024_NN", "4096x4096x4096_NN"}) add_gemm<double>(suite, "f64", shape, true);
  for (const ConvShape& shape :
       {ConvShape{32, 224, 3, 64, 7, 2}, ConvShape{32, 56, 64, 64, 3, 1}, ConvShape{32, 56, 64, 256, 1, 1},
        ConvShape{32, 28, 128, 128, 3, 1}, ConvShape{32, 28, 128, 128, 3, 2}, ConvShape{32, 14, 256, 256, 3, 1},
        ConvShape{32, 7, 512, 512, 3, 1}, ConvShape{32, 28, 1, 32, 5, 1}}) {
    add_conv<BFloat16>(suite, "bf16", shape, true);
    add_conv<float>(suite, "tf32", shape, true);
    add_conv<float>(suite, "f32", shape, false);
  }
}

}  // namespace
}  // namespace tfmini::bench
#endif

int main(int argc, char** argv) {
  tfmini::bench::Suite suite(argc, argv, "Matrix products and convolutions on a GPU.", tfmini::bench::Suite::On::kGpu);
#if defined(TFMINI_WITH_CUDA)
  tfmini::bench::add_rows(suite);
#endif
  return suite.run();
}

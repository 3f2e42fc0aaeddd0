// Matrix products, all ways of storing them, without Python. Names are m x k x n and N or T per operand.
#include "gemm/gemm.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "harness.h"

namespace tfmini::bench {
namespace {

// Aligned as tensors are.
class Matrix {
 public:
  Matrix(int64_t elements, float value)
      : buffer_(cpu_device().allocate(static_cast<size_t>(elements) * sizeof(float))) {
    std::fill_n(data(), elements, value);
  }
  float* data() const { return static_cast<float*>(buffer_->data()); }

 private:
  BufferRef buffer_;
};

void add(Suite& suite, const char* name) {
  long m = 0, k = 0, n = 0;
  char a_order = 'N', b_order = 'N';
  std::sscanf(name, "%ldx%ldx%ld_%c%c", &m, &k, &n, &a_order, &b_order);
  const bool ta = a_order == 'T', tb = b_order == 'T';
  const Work work{2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
                  4.0 * static_cast<double>(m * k + k * n + m * n)};
  suite.row(name, work, [=]() -> Suite::Call {
    const Matrix a(m * k, 0.5f), b(k * n, 0.25f), c(m * n, 0.0f);
    return [=] {
      gemm<float>(m, n, k, row_major(a.data(), ta ? m : k, ta), row_major(b.data(), tb ? k : n, tb), c.data(), n);
    };
  });
}

}  // namespace
}  // namespace tfmini::bench

int main(int argc, char** argv) {
  tfmini::bench::Suite suite(argc, argv, "Matrix products.");
  for (const char* name :
       {"8x8x8_NN",          "64x64x64_NN",       "128x128x128_NN",    "256x256x256_NN",    "256x256x256_NT",
        "512x512x512_NN",    "1024x1024x1024_NN", "1024x1024x1024_NT", "1024x1024x1024_TN", "1024x1024x1024_TT",
        "2048x2048x2048_NN", "4096x4096x4096_NN", "64x1024x1024_NN",   "64x1024x1024_NT",   "64x1024x1024_TN",
        "32x784x512_NN",     "32x784x512_NT",     "32x784x512_TN",     "784x32x512_TN",     "20x400x800_NN",
        "128x512x10_NN",     "128x1568x256_TN",   "256x3136x64_TN",    "64x3136x256_TN",    "1x4096x4096_NN",
        "1x4096x4096_NT",    "4096x4096x1_NN"})
    tfmini::bench::add(suite, name);
  return suite.run();
}

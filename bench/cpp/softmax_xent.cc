// Softmax and cross entropies with their gradients, without Python. Names are rows x classes.
#include <cstdio>
#include <memory>
#include <string>

#include "formula.h"
#include "harness.h"

namespace tfmini::bench {
namespace {

// One class per row, as a dense matrix and as indices.
Tensor one_hot(int64_t rows, int64_t classes) {
  Tensor t(DType::kFloat, Shape{rows, classes});
  std::fill_n(t.data<float>(), rows * classes, 0.0f);
  for (int64_t r = 0; r < rows; ++r) t.data<float>()[r * classes + r * 7919 % classes] = 1.0f;
  return t;
}
Tensor indices(int64_t rows, int64_t classes) {
  Tensor t(DType::kInt32, Shape{rows});
  for (int64_t r = 0; r < rows; ++r) t.data<int32_t>()[r] = static_cast<int32_t>(r * 7919 % classes);
  return t;
}

void add(Suite& suite, const char* size) {
  long rows = 0, classes = 0;
  std::sscanf(size, "%ldx%ld", &rows, &classes);
  const double matrix = 4.0 * static_cast<double>(rows * classes);  // bytes
  const std::string name = size;
  suite.row("softmax/" + name, {.bytes = 2 * matrix}, [=] {
    auto f = std::make_shared<Formula>();
    return f->computes({f->op("Softmax", {f->normal({rows, classes})})});
  });
  suite.row("log_softmax/" + name, {.bytes = 2 * matrix}, [=] {
    auto f = std::make_shared<Formula>();
    return f->computes({f->op("LogSoftmax", {f->normal({rows, classes})})});
  });
  // Both results of the cross entropies: the losses and the gradient of the logits.
  suite.row("xent/" + name, {.bytes = 3 * matrix}, [=] {
    auto f = std::make_shared<Formula>();
    const Out logits = f->normal({rows, classes}), labels = f->feed(one_hot(rows, classes));
    return f->computes({f->op("SoftmaxCrossEntropyWithLogits", {logits, labels})});
  });
  suite.row("sparse_xent/" + name, {.bytes = 2 * matrix}, [=] {
    auto f = std::make_shared<Formula>();
    const Out logits = f->normal({rows, classes}), labels = f->feed(indices(rows, classes));
    return f->computes({f->op("SparseSoftmaxCrossEntropyWithLogits", {logits, labels})});
  });
}

}  // namespace
}  // namespace tfmini::bench

int main(int argc, char** argv) {
  tfmini::bench::Suite suite(argc, argv,
                             "Softmax, log softmax and the cross entropies (losses and gradients in one pass).");
  for (const char* size : {"128x10", "4096x10", "4096x1000", "128x50000"}) tfmini::bench::add(suite, size);
  return suite.run();
}

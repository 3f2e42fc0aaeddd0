// A product that is given another shape before its bias and relu, as tf.layers.dense does with images and sequences,
// is given it afterwards: the three can then be one node. Rows stay what they are.
#include <algorithm>

#include "passes/ir.h"

namespace tfmini {
namespace {

class Sinker {
 public:
  explicit Sinker(Ir ir) : ir_(std::move(ir)), uses_(count_uses(ir_)), product_(ir_.nodes.size(), 0) {}

  Ir run() {
    bool changed = false;
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      IrNode& n = ir_.nodes[i];
      if (n.op->name == "MatMul") product_[i] = 1;
      if (n.op->name == "BiasAdd" || n.op->name == "BiasAddV1" || n.op->name == "Relu") changed |= swap(n);
    }
    return changed ? sort_topologically(std::move(ir_)) : std::move(ir_);
  }

 private:
  // Lets `last` take the place of the reshape that it reads, and follow as the reshape.
  bool swap(IrNode& last) {
    if (!is_plain(last)) return false;
    const int32_t place = last.inputs[0].node;
    IrNode& reshape = ir_.nodes[place];
    if (reshape.op->name != "Reshape" || !is_plain(reshape) || uses_[place] != 1) return false;
    const Out product = reshape.inputs[0];
    const Shape before = ir_.shape(product), after = reshape.shapes[0];
    if (!product_[product.node] || uses_[product.node] != 1 || !before.fully_defined() || !after.fully_defined() ||
        after.rank() == 0 || before.dim(-1) != after.dim(-1) || reshape.place != last.place)
      return false;
    if (!channels_last(last)) return false;
    std::swap(last, reshape);
    ir_.nodes[place].inputs[0] = product;
    ir_.nodes[place].shapes[0] = before;
    last.inputs[0] = {place, 0};
    last.shapes[0] = after;
    product_[place] = 1;  // with its bias
    return true;
  }

  Ir ir_;
  std::vector<int32_t> uses_;
  std::vector<char> product_;
};

}  // namespace

Ir sink_reshapes(Ir ir) { return Sinker(std::move(ir)).run(); }

}  // namespace tfmini

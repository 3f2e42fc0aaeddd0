// MatMul with what follows it, the sum with a row, the sum with a matrix and then relu, becomes one _FusedMatMul node:
// the product is finished while its tile is in registers instead of in passes over memory of their own.
//
// The last node of a chain is rewritten where it stands, so whoever uses it need not know; the
// others lose their only user. Weights that no run of the plan changes are marked, so that the kernel may
// pack them once.
#include "core/registry.h"
#include "passes/effects.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

class MatMulFuser {
 public:
  explicit MatMulFuser(Ir ir)
      : ir_(std::move(ir)), uses_(ir_.nodes.size(), 0), user_(ir_.nodes.size(), -1), unchanging_(ir_) {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      for (Out t : ir_.nodes[i].inputs) {
        ++uses_[t.node];
        user_[t.node] = static_cast<int32_t>(i);
      }
      for (int32_t c : ir_.nodes[i].control) uses_[c] += 2;  // whoever waits for a node needs that node
    }
    for (Out t : ir_.fetches) uses_[t.node] += 2;
    for (int32_t t : ir_.targets) uses_[t] += 2;
  }

  Ir run() {
    bool changed = false;
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (ir_.nodes[i].op->name == "MatMul") changed |= fuse(static_cast<int32_t>(i));
    return changed ? remove_dead(std::move(ir_)) : std::move(ir_);
  }

 private:
  // Smaller matrices stay in the second-level cache as they are.
  static constexpr int64_t kPackElements = 16 << 10;

  bool fuse(int32_t product) {
    const IrNode& from = ir_.nodes[product];
    static const OpDef& fused = Registry::get().find("_FusedMatMul");
    if (!from.values.empty() || (from.dtypes[0] != DType::kFloat && from.dtypes[0] != DType::kDouble)) return false;
    if (!has_kernel(fused, *from.attrs, from)) return false;
    const Out weights = from.inputs[1];
    const Shape& shape = ir_.shape(weights);
    const bool keep =
        from.place == 0 && unchanging_(ir_, weights) && shape.fully_defined() && shape.num_elements() >= kPackElements;
    std::vector<std::string> ops;
    std::vector<Out> inputs = from.inputs;
    int32_t last = product;
    const auto take = [&](const char* op, const auto& argument) {
      const int32_t next = only_user(last);
      if (next < 0) return;
      const int input = argument(ir_.nodes[next], last);
      if (input < 0) return;
      ops.emplace_back(op);
      if (ir_.nodes[next].inputs.size() > 1) inputs.push_back(ir_.nodes[next].inputs[input]);
      last = next;
    };
    take("BiasAdd", [this](const IrNode& n, int32_t sum) { return row_input(n, sum); });
    take("Add", [this](const IrNode& n, int32_t sum) { return matrix_input(n, sum); });
    if (!ops.empty()) take("Relu", [](const IrNode& n, int32_t) { return n.op->name == "Relu" ? 0 : -1; });
    if (ops.empty() && !keep) return false;
    auto attrs = std::make_shared<Attrs>(*from.attrs);
    attrs->set("num_args", static_cast<int64_t>(inputs.size() - 2));
    attrs->set("fused_ops", std::move(ops));
    attrs->set("epsilon", 0.0001f);
    attrs->set("_keep_weights", keep);
    IrNode& n = ir_.nodes[last];
    n.op = &fused;
    n.attrs = std::move(attrs);
    n.inputs = std::move(inputs);
    n.variables.clear();
    return true;
  }

  // The node that uses the result of node i, if there is nothing else that does and the two may be one.
  int32_t only_user(int32_t i) const {
    const IrNode& n = ir_.nodes[i];
    if (uses_[i] != 1 || !n.control.empty() || !n.values.empty()) return -1;
    const IrNode& next = ir_.nodes[user_[i]];
    return next.control.empty() && next.values.empty() && next.place == n.place ? user_[i] : -1;
  }

  // Which input of `sum` is a row that it adds to each row of the product; -1: it does not do that.
  int row_input(const IrNode& sum, int32_t product) const {
    const std::string& op = sum.op->name;
    if (op == "BiasAdd" || op == "BiasAddV1") return sum.inputs[0].node == product ? 1 : -1;
    if (op != "Add" && op != "AddV2") return -1;
    const int row = sum.inputs[0].node == product ? 1 : 0;
    const Shape &shape = ir_.shape(sum.inputs[row]), &whole = ir_.nodes[product].shapes[0];
    if (!shape.fully_defined() || whole.rank() != 2) return -1;
    const bool is_row = shape.rank() == 1 || (shape.rank() == 2 && shape[0] == 1);
    return is_row && shape.dim(-1) == whole[1] ? row : -1;
  }

  // Which input of `sum` is a matrix that it adds to the product; -1: it does not do that.
  int matrix_input(const IrNode& sum, int32_t product) const {
    const std::string& op = sum.op->name;
    if ((op != "Add" && op != "AddV2" && op != "AddN") || sum.inputs.size() != 2) return -1;
    const int other = sum.inputs[0].node == product ? 1 : 0;
    const Shape& shape = ir_.shape(sum.inputs[other]);
    return shape.fully_defined() && shape == ir_.nodes[product].shapes[0] ? other : -1;
  }

  Ir ir_;
  std::vector<int> uses_;
  std::vector<int32_t> user_;  // one of them
  Unchanging unchanging_;
};

}  // namespace

Ir fuse_matmul(Ir ir) { return MatMulFuser(std::move(ir)).run(); }

}  // namespace tfmini

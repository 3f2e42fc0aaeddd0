// Embeddings: gathering rows of a table and applying sparse updates to it, through the ops' own kernels.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/registry.h"
#include "graph/graph.h"
#include "harness.h"
#include "runtime/session.h"

namespace tfmini {
namespace {

// A graph with a table, ids and rows of gradients as variables, and one op on them that runs alone.
class Table {
 public:
  Table(int64_t size, int64_t width, int64_t count)
      : graph_(std::make_shared<Graph>()), session_(std::make_shared<Session>(graph_, SessionOptions{})) {
    Tensor ids(DType::kInt32, {count});
    std::mt19937 random(1);
    for (int64_t i = 0; i < count; ++i)
      ids.data<int32_t>()[i] = static_cast<int32_t>(random() % static_cast<uint32_t>(size));
    ids_ = variable("ids", std::move(ids));
    table_ = variable("table", ones({size, width}));
    rows_ = variable("rows", ones({count, width}));
  }

  Out table() const { return table_; }
  Out ids() const { return ids_; }
  Out rows() const { return rows_; }
  Out slot() { return variable("slot", ones(graph_->shape(table_))); }
  Out scalar(DType dtype, double value) {
    Attrs attrs;
    attrs.set("dtype", dtype);
    attrs.set("value", dtype == DType::kFloat ? Tensor::scalar<float>(static_cast<float>(value))
                                              : Tensor::scalar<int32_t>(static_cast<int32_t>(value)));
    return {graph_->add("Const", "c" + std::to_string(graph_->size()), {}, {}, std::move(attrs), "").id, 0};
  }

  bench::Suite::Call run(const char* op, const std::vector<Out>& inputs) {
    std::vector<std::vector<Out>> groups;
    for (Out t : inputs) groups.push_back({t});
    Request request;
    request.targets = {graph_->add(op, "op", groups, {}, {}, "").id};
    return [session = session_, plan = session_->plan(request)] { session->run(*plan, {}); };
  }

 private:
  static Tensor ones(const Shape& shape) {
    Tensor t(DType::kFloat, shape);
    std::fill_n(t.data<float>(), t.num_elements(), 1.0f);
    return t;
  }

  Out variable(const char* name, Tensor value) {
    Attrs attrs;
    attrs.set("dtype", value.dtype());
    attrs.set("shape", value.shape());
    const Out t{graph_->add("VariableV2", name, {}, {}, std::move(attrs), "").id, 0};
    session_->variables().get(name, value.dtype(), value.shape()).assign(std::move(value));
    return t;
  }

  std::shared_ptr<Graph> graph_;
  std::shared_ptr<Session> session_;
  Out table_, ids_, rows_;
};

void add_rows(bench::Suite& suite, int64_t size, int64_t width, int64_t count) {
  const std::string shape = "_" + std::to_string(count) + "_of_" + std::to_string(size) + "x" + std::to_string(width);
  const double bytes = 4.0 * static_cast<double>(count * width);
  suite.row("gather" + shape, {.bytes = 2 * bytes}, [=] {
    Table t(size, width, count);
    return t.run("GatherV2", {t.table(), t.ids(), t.scalar(DType::kInt32, 0)});
  });
  suite.row("scatter_sub" + shape, {.bytes = 3 * bytes}, [=] {
    Table t(size, width, count);
    return t.run("ScatterSub", {t.table(), t.ids(), t.rows()});
  });
  suite.row("adagrad" + shape, {.bytes = 5 * bytes}, [=] {
    Table t(size, width, count);
    return t.run("SparseApplyAdagrad", {t.table(), t.slot(), t.scalar(DType::kFloat, 1e-3), t.rows(), t.ids()});
  });
}

}  // namespace
}  // namespace tfmini

int main(int argc, char** argv) {
  tfmini::bench::Suite suite(argc, argv, "Embeddings: gather, and sparse updates with repeated ids.");
  tfmini::add_rows(suite, 100000, 128, 4096);
  tfmini::add_rows(suite, 50000, 128, 192);
  tfmini::add_rows(suite, 1000, 64, 4096);
  tfmini::add_rows(suite, 1000000, 32, 1024);
  return suite.run();
}

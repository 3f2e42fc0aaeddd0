// What one tf.Session holds: the variables, per-node states and the plans of its graph.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "passes/homes.h"
#include "runtime/plan.h"
#include "runtime/variables.h"

namespace tfmini {

struct SessionOptions {
  int threads = 0;  // 0: all cores
  PassOptions passes;
  size_t max_plans = 512;
  double memory_fraction = 0;   // of each GPU; 0: all of it
  bool reserve_memory = false;  // that fraction is taken when the session is made
};

class Session final : public RunEnv {
 public:
  Session(std::shared_ptr<Graph> graph, SessionOptions options);
  // Gives back what it held on its GPUs.
  ~Session() override;

  Graph& graph() { return *graph_; }
  VariableStore& variables() { return variables_; }
  const SessionOptions& options() const { return options_; }
  VariableHomes& homes() { return homes_; }
  // A constant as plans hold it on a device: uploaded once for all of them.
  Tensor constant_at(const Tensor& value, uint8_t device);

  // The plan for a request, made at first use. Plans are kept up to a limit, least recently used
  // first out. The caller must not change the graph meanwhile (Python holds the GIL).
  std::shared_ptr<const Plan> plan(const Request& request);

  // Runs a plan with `feeds` (in the request's order) and returns the fetched tensors. Safe to
  // call from many threads.
  std::vector<Tensor> run(const Plan& plan, const std::vector<Tensor>& feeds);

  // RunEnv
  Variable& variable(const void* instr, int input) override;
  SessionState& session_state(const void* instr, std::unique_ptr<SessionState> (*make)(const void*),
                              const void* arg) override;
  const std::string& node_name(const void* instr) const override;

 private:
  friend class Plan;
  // Out of memory on a GPU: the same error, saying what the session holds there.
  Error with_what_is_held(const Error& e);
  std::shared_ptr<Graph> graph_;
  SessionOptions options_;
  VariableStore variables_;
  VariableHomes homes_;
  // (memory on the host, device) -> the constant, and what it was made of
  std::map<std::pair<const void*, uint8_t>, std::pair<Tensor, Tensor>> constants_;

  std::mutex states_mutex_;
  // Node states outlive plans: a random op goes on where its last run stopped.
  std::map<std::string, std::unique_ptr<SessionState>> states_;

  struct Cached {
    std::shared_ptr<const Plan> plan;
    std::list<std::string>::iterator position;
  };
  std::mutex plans_mutex_;
  std::list<std::string> recent_;  // most recently used first
  std::unordered_map<std::string, Cached> plans_;
};

}  // namespace tfmini

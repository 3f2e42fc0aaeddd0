// A plan: what one (fetches, feeds, feed shapes) costs to run, worked out once. A flat list of
// instructions over numbered slots, with kernels chosen, attributes parsed, memory laid out.
// Immutable once made; each concurrent run has a RunState of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/registry.h"
#include "passes/ir.h"
#include "runtime/variables.h"

namespace tfmini {

class Session;

// Small results are left in the arena, and small feeds in their slots until the end of the run: whoever
// keeps one copies it, which costs less than memory of its own. Loops are built on this.
constexpr size_t kSmallBytes = 64;
bool is_small(DType dtype, const Shape& shape);

struct Instr {
  Kernel kernel;
  int32_t node = -1;          // in Plan::nodes(), for names and shape rules
  bool alias = false;         // no kernel: output 0 is input 0 reshaped
  bool infer = false;         // the shape rule runs with it: some shapes are known only then
  bool check_shapes = false;  // the kernel sets its outputs itself: compare with what was promised
  bool finish = false;        // writes a variable: not to be interrupted half-way
  uint8_t device = 0;         // a Device::ordinal()
  int32_t first_id = 0;       // in Plan::ids(): inputs, then outputs
  int32_t num_inputs = 0;
  int32_t num_outputs = 0;
  int32_t first_alloc = 0, num_allocs = 0;      // slots to allocate before, in Plan::allocs()
  int32_t first_release = 0, num_releases = 0;  // slots to clear afterwards, in Plan::releases()
  uint64_t owned_inputs = 0;                    // see KernelContext::Call
  std::vector<Variable*> variables;             // per ref input
  std::string name;                             // the node's, unique in the session
  mutable std::atomic<SessionState*> state{nullptr};

  Instr() = default;
  Instr(Instr&& o) noexcept;
};

// Consecutive instructions of one device that can be recorded: their memory is at fixed places, but for what enters
// through slots and variables, and nothing of them is decided anew at each run.
struct Segment {
  uint8_t device = 0;
  int32_t first = 0, count = 0;      // instructions
  std::vector<int32_t> steps;        // those that only bind slots: they run each time
  std::vector<int32_t> inputs;       // slots whose addresses the recording depends on
  std::vector<int32_t> bound;        // these, and those that the steps bind
  std::vector<Variable*> variables;  // which it writes
};

// A segment as recorded by one RunState.
struct Recorded {
  int runs = 0, attempts = 0;
  std::vector<const void*> addresses;  // of the inputs, then of the variables
  std::unique_ptr<Recording> recording;
};

// The memory of one run. Reused by later runs of the same plan.
struct RunState {
  std::vector<Tensor> slots;
  std::vector<KernelContext::Call> calls;  // one per instruction
  std::vector<BufferRef> arenas;           // one per device of the plan
  std::vector<Recorded> recorded;          // one per segment
};

class Plan;
// A plan that a node of another one runs: "body" of a loop, "then_branch", ...
struct InnerPlan {
  int32_t node;
  const char* role;
  const Plan* plan;
};

class Plan {
 public:
  // Compiles `request` against `graph`, for `session` (whose variables it binds).
  Plan(Session& session, const Graph& graph, const Request& request, const PassOptions& options);

  // Slots of the fed and fetched tensors; a feed nobody uses has slot -1.
  const std::vector<int32_t>& feeds() const { return feeds_; }
  const std::vector<int32_t>& fetches() const { return fetches_; }
  const std::vector<Shape>& fetch_shapes() const { return fetch_shapes_; }

  const std::vector<Instr>& instrs() const { return instrs_; }
  // The body of a loop: so many instructions at the start run in the first iteration only.
  int32_t once() const { return once_; }
  const std::vector<IrNode>& nodes() const { return nodes_; }
  const int32_t* ids(const Instr& i) const { return ids_.data() + i.first_id; }
  const std::vector<int32_t>& allocs() const { return allocs_; }
  const std::vector<int32_t>& releases() const { return releases_; }
  // Slots that hold references after a run and must be cleared.
  const std::vector<int32_t>& transient() const { return transient_; }
  // Those of them that are not cleared during the run: results and small feeds.
  const std::vector<int32_t>& remaining() const { return remaining_; }
  const std::vector<DType>& slot_dtypes() const { return dtypes_; }
  const std::vector<Shape>& slot_shapes() const { return shapes_; }
  const std::vector<uint8_t>& slot_devices() const { return devices_; }
  // Devices whose queues the results wait for.
  const std::vector<uint8_t>& awaited() const { return awaited_; }
  // In order; none if nothing is to be recorded.
  const std::vector<Segment>& segments() const { return segments_; }
  bool synchronous() const { return synchronous_; }
  const Graph* graph() const { return graph_; }

  std::unique_ptr<RunState> acquire() const;
  void release(std::unique_ptr<RunState> state) const;
  // A readable listing, one instruction a line; the plans inside of control flow are indented below it.
  std::string str() const;

 private:
  friend class PlanBuilder;
  std::unique_ptr<RunState> make_state() const;
  // Why there is no memory for intermediate values, naming the node that makes the largest.
  Error too_large(uint8_t device, const Error& cause) const;

  Session* session_;
  const Graph* graph_;
  std::vector<IrNode> nodes_;
  std::vector<Instr> instrs_;
  int32_t once_ = 0;
  std::vector<int32_t> ids_, allocs_, releases_, transient_, remaining_;
  std::vector<int32_t> feeds_, fetches_;
  std::vector<Shape> fetch_shapes_;
  // Per slot.
  std::vector<DType> dtypes_;
  std::vector<Shape> shapes_;
  std::vector<uint8_t> devices_;
  std::vector<Tensor> constants_;  // prebound values; undefined elsewhere
  std::vector<int64_t> offsets_;   // in the arena of the slot's device; -1 elsewhere
  struct ArenaSize {
    uint8_t device;
    size_t bytes;
  };
  std::vector<ArenaSize> arenas_;
  std::vector<uint8_t> awaited_;
  std::vector<Segment> segments_;
  std::vector<InnerPlan> inner_;  // owned by the nodes' kernels
  bool synchronous_ = false;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<RunState>> idle_;
};

// Takes a RunState from a plan and gives it back, cleared, at the end of the scope.
class RunScope {
 public:
  explicit RunScope(const Plan& plan) : plan_(plan), state_(plan.acquire()) {}
  ~RunScope() {
    for (int32_t s : plan_.transient()) state_->slots[s] = Tensor();
    plan_.release(std::move(state_));
  }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;
  RunState& state() { return *state_; }
  Tensor& slot(int32_t s) { return state_->slots[s]; }

 private:
  const Plan& plan_;
  std::unique_ptr<RunState> state_;
};

}  // namespace tfmini

// From the compiled Ir to instructions: slots, kernels, lifetimes, memory.
#include <algorithm>

#include "core/devices.h"
#include "graph/function.h"
#include "runtime/control_flow.h"
#include "runtime/memory.h"
#include "runtime/plan.h"
#include "runtime/recorder.h"
#include "runtime/session.h"

namespace tfmini {
namespace {

// How the value in a slot comes to be.
enum class Storage : uint8_t {
  kNone,      // a variable's reference, or nothing
  kConstant,  // bound when the RunState is made
  kFeed,      // bound when a run starts
  kArena,     // at a fixed offset of the run's arena
  kOwned,     // static shape, but needs memory of its own: a large result, or kept by a kernel
  kDynamic,   // shape or memory known only once it has run
};

bool is_source(const IrNode& n) {
  return n.is_constant() || n.op->name == "_Arg" || n.op->name == "VariableV2" || n.op->name == "Variable" ||
         n.op->name == "NoOp";
}

// Are the output shapes settled? Not as long as an input's is open: the rule may conclude [3] from
// [?] + [3], but only on condition that ? turns out to fit.
bool settled(const Ir& ir, const IrNode& n) {
  return std::all_of(n.shapes.begin(), n.shapes.end(), [](const Shape& s) { return s.fully_defined(); }) &&
         std::all_of(n.inputs.begin(), n.inputs.end(), [&](Out t) { return ir.shape(t).fully_defined(); });
}

}  // namespace

class PlanBuilder {
  static constexpr int32_t kLasts = INT32_MAX;  // the last use of what is kept for further iterations

 public:
  PlanBuilder(Plan& plan, Session& session, Ir ir, const PassOptions& options)
      : plan_(plan), session_(session), ir_(std::move(ir)), options_(options) {}

  void build() {
    number_slots();
    choose_storage();
    find_lifetimes();
    lay_out_memory();
    emit();
    if (options_.record && !options_.synchronous) find_recordable();
    plan_.nodes_ = std::move(ir_.nodes);
  }

 private:
  int32_t slot(Out t) const { return base_[t.node] + t.index; }

  void number_slots() {
    int32_t count = 0;
    for (const IrNode& n : ir_.nodes) {
      base_.push_back(count);
      count += static_cast<int32_t>(n.dtypes.size());
      for (size_t i = 0; i < n.dtypes.size(); ++i) {
        plan_.dtypes_.push_back(n.dtypes[i]);
        plan_.shapes_.push_back(n.shapes[i]);
        plan_.devices_.push_back(location(n, static_cast<int32_t>(i)));
        plan_.constants_.push_back(n.is_constant(static_cast<int>(i)) ? constant(n, i) : Tensor());
      }
    }
    plan_.offsets_.assign(static_cast<size_t>(count), -1);
    for (int32_t f : ir_.feeds) plan_.feeds_.push_back(f < 0 ? -1 : base_[f]);
    for (Out t : ir_.fetches) {
      plan_.fetches_.push_back(slot(t));
      plan_.fetch_shapes_.push_back(ir_.shape(t));
    }
    storage_.assign(static_cast<size_t>(count), Storage::kNone);
    root_.resize(static_cast<size_t>(count));
    for (int32_t s = 0; s < count; ++s) root_[s] = s;
    last_use_.assign(static_cast<size_t>(count), -1);
    fetched_.assign(static_cast<size_t>(count), 0);
    kept_.assign(static_cast<size_t>(count), 0);
  }

  Tensor constant(const IrNode& n, size_t output) {
    try {
      return session_.constant_at(n.values[output], n.place);
    } catch (Error& e) {
      e.set_node(n.name);
      throw;
    }
  }

  void choose_storage() {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      const IrNode& n = ir_.nodes[i];
      if (n.op->alias && !n.is_constant()) root_[base_[i]] = root_[slot(n.inputs[0])];
      if (n.op->keeps_inputs)
        for (Out t : n.inputs) kept_[root_[slot(t)]] = 1;
    }
    for (Out t : ir_.fetches) fetched_[root_[slot(t)]] = 1;
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      const IrNode& n = ir_.nodes[i];
      for (size_t k = 0; k < n.dtypes.size(); ++k) {
        const int32_t s = base_[i] + static_cast<int32_t>(k);
        if (root_[s] != s) continue;
        if (n.is_constant(static_cast<int>(k)))
          storage_[s] = Storage::kConstant;
        else if (n.op->name == "_Arg")
          storage_[s] = Storage::kFeed;
        else if (is_source(n) || n.op->outputs[0].is_ref)
          storage_[s] = Storage::kNone;
        else if (n.op->dynamic_output || !settled(ir_, n))
          storage_[s] = Storage::kDynamic;
        else if ((fetched_[s] && !small(s)) || kept_[s] || !is_pod(n.dtypes[k]))
          storage_[s] = Storage::kOwned;
        else
          storage_[s] = Storage::kArena;
      }
    }
  }

  void find_lifetimes() {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      for (Out t : ir_.nodes[i].inputs) last_use_[root_[slot(t)]] = static_cast<int32_t>(i);
      // A value nobody reads lives while it is written.
      for (size_t k = 0; k < ir_.nodes[i].dtypes.size(); ++k) {
        int32_t& last = last_use_[root_[base_[i] + static_cast<int32_t>(k)]];
        last = std::max(last, static_cast<int32_t>(i));
      }
    }
    for (Out t : ir_.fetches) last_use_[root_[slot(t)]] = static_cast<int32_t>(ir_.nodes.size());
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (ir_.nodes[i].once) last_use_[base_[i]] = kLasts;
  }

  // Input slot whose arena memory output k of node i may take over, or -1.
  int32_t in_place_source(size_t i, int k) const {
    const IrNode& n = ir_.nodes[i];
    const int32_t out = base_[i] + k;
    for (const auto& [in, output] : n.op->in_place) {
      if (output != k || in >= static_cast<int>(n.inputs.size())) continue;
      const int32_t r = root_[slot(n.inputs[in])];
      if (storage_[r] != Storage::kArena || last_use_[r] != static_cast<int32_t>(i)) continue;
      if (!same_layout(r, out) || plan_.devices_[r] != plan_.devices_[out]) continue;
      // Another input that looks at the same memory would be overwritten while it is read.
      const auto same = [&](Out t) { return root_[slot(t)] == r; };
      if (std::count_if(n.inputs.begin(), n.inputs.end(), same) > 1) continue;
      return r;
    }
    return -1;
  }

  // Equal bytes are not enough: four rows of bools may take the place of one row of floats.
  bool same_layout(int32_t a, int32_t b) const {
    return dtype_size(plan_.dtypes_[a]) == dtype_size(plan_.dtypes_[b]) && bytes(a) == bytes(b);
  }

  bool small(int32_t s) const { return plan_.devices_[s] == 0 && is_small(plan_.dtypes_[s], plan_.shapes_[s]); }
  bool small_feed(int32_t r) const { return storage_[r] == Storage::kFeed && small(r); }

  size_t bytes(int32_t s) const {
    return static_cast<size_t>(plan_.shapes_[s].num_elements()) * dtype_size(plan_.dtypes_[s]);
  }

  void lay_out_memory() {
    std::vector<uint8_t> devices(plan_.devices_);
    std::sort(devices.begin(), devices.end());
    devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
    for (uint8_t device : devices) lay_out_arena(device);
  }

  void lay_out_arena(uint8_t device) {
    std::vector<Lifetime> lifetimes;
    std::vector<int32_t> block(storage_.size(), -1);
    std::vector<char> taken(storage_.size(), 0);  // roots whose memory an output has taken over
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      for (size_t k = 0; k < ir_.nodes[i].dtypes.size(); ++k) {
        const int32_t s = base_[i] + static_cast<int32_t>(k);
        if (storage_[s] != Storage::kArena || root_[s] != s || plan_.devices_[s] != device) continue;
        const int32_t source = in_place_source(i, static_cast<int>(k));
        if (source >= 0 && !taken[source]) {
          taken[source] = 1;
          block[s] = block[source];
          lifetimes[block[s]].end = last_use_[s];
        } else {
          block[s] = static_cast<int32_t>(lifetimes.size());
          lifetimes.push_back({bytes(s), static_cast<int32_t>(i), last_use_[s]});
        }
      }
    }
    const Arena arena = plan_memory(lifetimes);
    if (arena.bytes) plan_.arenas_.push_back({device, arena.bytes});
    for (size_t s = 0; s < block.size(); ++s)
      if (block[s] >= 0) plan_.offsets_[s] = static_cast<int64_t>(arena.offsets[block[s]]);
  }

  void emit() {
    std::vector<std::vector<int32_t>> dying(ir_.nodes.size());  // slots to clear after each node
    for (size_t s = 0; s < root_.size(); ++s) {
      const Storage st = storage_[root_[s]];
      if (st == Storage::kNone || st == Storage::kConstant || st == Storage::kArena) continue;
      plan_.transient_.push_back(static_cast<int32_t>(s));
      if (fetched_[root_[s]] || small_feed(root_[s]))
        plan_.remaining_.push_back(static_cast<int32_t>(s));
      else if (last_use_[root_[s]] >= 0 && last_use_[root_[s]] != kLasts)
        dying[last_use_[root_[s]]].push_back(static_cast<int32_t>(s));
    }
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (runs_once(i)) emit(i, dying[i]);
    plan_.once_ = static_cast<int32_t>(plan_.instrs_.size());
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (!runs_once(i)) emit(i, dying[i]);
  }

  // What waits for others, as for a copy from another device, runs in each iteration.
  bool runs_once(size_t i) const {
    const IrNode& n = ir_.nodes[i];
    return n.once && n.control.empty() &&
           std::all_of(n.inputs.begin(), n.inputs.end(), [&](Out t) { return is_source(ir_.nodes[t.node]); });
  }

  void emit(size_t i, const std::vector<int32_t>& dying) {
    const IrNode& n = ir_.nodes[i];
    if (is_source(n) || (n.op->alias && bind_alias(i))) return;
    plan_.instrs_.push_back(instruction(i));
    Instr& instr = plan_.instrs_.back();
    instr.first_release = static_cast<int32_t>(plan_.releases_.size());
    instr.num_releases = static_cast<int32_t>(dying.size());
    plan_.releases_.insert(plan_.releases_.end(), dying.begin(), dying.end());
    if (n.op->name == "_CopyToHost" && !n.attrs->flag("wait"))
      await(location(ir_.nodes[n.inputs[0].node], n.inputs[0].index));
  }

  void await(uint8_t device) {
    if (std::find(plan_.awaited_.begin(), plan_.awaited_.end(), device) == plan_.awaited_.end())
      plan_.awaited_.push_back(device);
  }

  void find_recordable() {
    std::vector<char> fixed(storage_.size());
    for (size_t s = 0; s < fixed.size(); ++s)
      fixed[s] = plan_.constants_[s].defined() ? kFixedContents : plan_.offsets_[s] >= 0 ? kFixedAddress : kNotFixed;
    plan_.segments_ = find_segments(plan_.instrs_, ir_.nodes, plan_.ids_, fixed, plan_.devices_);
  }

  // An alias of memory whose address is fixed needs no instruction.
  bool bind_alias(size_t i) {
    const int32_t s = base_[i], r = root_[s];
    if (!plan_.shapes_[s].fully_defined()) return false;
    if (storage_[r] == Storage::kArena) {
      plan_.offsets_[s] = plan_.offsets_[r];
      return true;
    }
    if (storage_[r] == Storage::kConstant) {
      plan_.constants_[s] = plan_.constants_[r].reshaped(plan_.shapes_[s]);
      return true;
    }
    return false;
  }

  Instr instruction(size_t i) {
    const IrNode& n = ir_.nodes[i];
    Instr instr;
    instr.node = static_cast<int32_t>(i);
    instr.name = n.name;
    instr.alias = n.op->alias;
    instr.infer = n.op->shape_fn && !settled(ir_, n);
    instr.check_shapes = n.op->dynamic_output;
    instr.finish = n.op->writes_variable;
    instr.device = n.place;
    instr.first_id = static_cast<int32_t>(plan_.ids_.size());
    instr.num_inputs = static_cast<int32_t>(n.inputs.size());
    instr.num_outputs = static_cast<int32_t>(n.dtypes.size());
    for (Out t : n.inputs) plan_.ids_.push_back(slot(t));
    for (size_t k = 0; k < n.dtypes.size(); ++k) plan_.ids_.push_back(base_[i] + static_cast<int32_t>(k));
    instr.first_alloc = static_cast<int32_t>(plan_.allocs_.size());
    for (size_t k = 0; k < n.dtypes.size(); ++k) {
      const int32_t s = base_[i] + static_cast<int32_t>(k);
      if (storage_[s] == Storage::kOwned && root_[s] == s) plan_.allocs_.push_back(s);
    }
    instr.num_allocs = static_cast<int32_t>(plan_.allocs_.size()) - instr.first_alloc;
    instr.owned_inputs = owned_inputs(i);
    for (size_t k = 0; k < n.variables.size(); ++k) {
      Variable* v = nullptr;
      if (!n.variables[k].empty())
        v = &session_.variables().get(n.variables[k], ir_.dtype(n.inputs[k]), ir_.shape(n.inputs[k]));
      instr.variables.push_back(v);
    }
    if (!instr.alias) instr.kernel = choose_kernel(n, instr.node);
    return instr;
  }

  uint64_t owned_inputs(size_t i) const {
    const IrNode& n = ir_.nodes[i];
    uint64_t mask = 0;
    for (size_t k = 0; k < n.inputs.size() && k < 64; ++k) {
      const int32_t s = slot(n.inputs[k]), r = root_[s];
      const bool transient =
          storage_[r] == Storage::kOwned || storage_[r] == Storage::kDynamic || storage_[r] == Storage::kFeed;
      if (!transient || small_feed(r) || fetched_[r] || last_use_[r] != static_cast<int32_t>(i)) continue;
      const auto same = [&](Out t) { return root_[slot(t)] == r; };
      if (std::count_if(n.inputs.begin(), n.inputs.end(), same) == 1) mask |= uint64_t{1} << k;
    }
    return mask;
  }

  static Kernel checked(const IrNode& n, Kernel kernel) {
#if defined(TFMINI_WITH_CUDA)
    if (n.place) return kernel;
    return cuda::with_parity_check(*n.op, *n.attrs, std::move(kernel));
#else
    return kernel;
#endif
  }

  Kernel choose_kernel(const IrNode& n, int32_t node) {
    try {
      if (is_control_flow(*n.op)) {
        std::vector<InnerPlan> inner;
        Kernel kernel = control_flow_kernel(session_, n, ir_, options_, inner);
        for (InnerPlan& p : inner) plan_.inner_.push_back({node, p.role, p.plan});
        return kernel;
      }
      const DeviceKind kind = n.place ? DeviceKind::kCUDA : DeviceKind::kCPU;
      if (const KernelFactory* factory = Registry::get().find_kernel(*n.op, kind, *n.attrs))
        return checked(n, (*factory)(*n.attrs));
      std::string dtype;
      if (!n.op->kernel_attr.empty()) dtype = std::string(" for ") + dtype_name(n.attrs->dtype(n.op->kernel_attr));
      fail(Code::kUnimplemented, "no ", n.place ? "CUDA" : "CPU", " kernel is registered", dtype);
    } catch (Error& e) {
      e.set_node(n.name);
      throw;
    }
  }

  Plan& plan_;
  Session& session_;
  Ir ir_;
  PassOptions options_;
  std::vector<int32_t> base_;         // first slot of each node
  std::vector<Storage> storage_;      // per slot; meaningful for roots
  std::vector<int32_t> root_;         // the slot whose memory this one is
  std::vector<int32_t> last_use_;     // per root, as a node index
  std::vector<char> fetched_, kept_;  // per root
};

Plan::Plan(Session& session, const Graph& graph, const Request& request, const PassOptions& options)
    : session_(&session), graph_(&graph) {
  synchronous_ = options.synchronous;
  PlanBuilder(*this, session, compile(graph, request, options, session.homes()), options).build();
}

}  // namespace tfmini

#include "runtime/session.h"

#include "core/devices.h"
#include "core/parallel.h"
#include "runtime/executor.h"

namespace tfmini {
namespace {

void append(std::string& key, int64_t value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); }

std::string request_key(const Request& r) {
  std::string key;
  for (Out t : r.fetches) append(key, int64_t{t.node} << 16 | t.index);
  append(key, -2);
  for (int32_t t : r.targets) append(key, t);
  append(key, -3);
  for (size_t i = 0; i < r.feeds.size(); ++i) {
    append(key, int64_t{r.feeds[i].node} << 16 | r.feeds[i].index);
    append(key, r.feed_shapes[i].rank());
    for (int64_t d : r.feed_shapes[i]) append(key, d);
  }
  for (const auto* devices : {&r.feed_devices, &r.fetch_devices}) {
    append(key, -4);
    for (uint8_t d : *devices) append(key, d);
  }
  return key;
}

}  // namespace

Session::Session(std::shared_ptr<Graph> graph, SessionOptions options)
    : graph_(std::move(graph)), options_(std::move(options)), homes_(*graph_) {
  if (options_.memory_fraction <= 0) return;
  for (uint8_t gpu : options_.passes.gpus) {
    Device& device = device_at(gpu);
    const double bytes = options_.memory_fraction * static_cast<double>(device.total_memory());
    device.limit_memory(static_cast<size_t>(bytes), options_.reserve_memory);
  }
}

Session::~Session() {
  plans_.clear();
  constants_.clear();
  states_.clear();
  variables_.clear();
  for (uint8_t gpu : options_.passes.gpus) try {
      device_at(gpu).trim();
    } catch (const Error&) {
      // Work that failed has been reported by the run it belongs to, or belongs to nobody any more.
    }
}

Tensor Session::constant_at(const Tensor& value, uint8_t device) {
  if (device == 0) return value;
  auto& [there, here] = constants_[{value.raw(), device}];
  if (!there.defined()) {
    here = value;  // keeps the address from being used again
    there = Tensor(device_at(device), value.dtype(), value.shape());
    copy_elements(value, there);
  }
  return there.reshaped(value.shape());
}

std::shared_ptr<const Plan> Session::plan(const Request& request) {
  const std::string key = request_key(request);
  std::lock_guard lock(plans_mutex_);
  if (auto it = plans_.find(key); it != plans_.end()) {
    recent_.splice(recent_.begin(), recent_, it->second.position);
    return it->second.plan;
  }
  std::shared_ptr<const Plan> plan;
  try {
    plan = std::make_shared<const Plan>(*this, *graph_, request, options_.passes);
  } catch (const TypeMismatch&) {
    throw;
  } catch (const Error& e) {
    throw with_what_is_held(e);
  }
  recent_.push_front(key);
  plans_[key] = {plan, recent_.begin()};
  if (plans_.size() > options_.max_plans) {
    plans_.erase(recent_.back());
    recent_.pop_back();
  }
  return plan;
}

std::vector<Tensor> Session::run(const Plan& plan, const std::vector<Tensor>& feeds) {
  const ThreadLimit limit(options_.threads);
  try {
    RunScope scope(plan);
    for (size_t i = 0; i < feeds.size(); ++i)
      if (plan.feeds()[i] >= 0) scope.slot(plan.feeds()[i]) = feeds[i];
    Executor::run(plan, scope.state());
    std::vector<Tensor> out;
    out.reserve(plan.fetches().size());
    for (int32_t s : plan.fetches()) out.push_back(scope.slot(s).owned());
    return out;
  } catch (const TypeMismatch&) {
    throw;
  } catch (const Error& e) {
    throw with_what_is_held(e);
  }
}

Error Session::with_what_is_held(const Error& e) {
  if (e.code() != Code::kResourceExhausted || options_.passes.gpus.empty()) return e;
  const std::string held = variables_.held_on_gpus();
  if (held.empty()) return e;
  Error more(e.code(), e.message() + ". This session's variables hold " + held);
  more.set_node(e.node());
  return more;
}

Variable& Session::variable(const void* instr, int input) {
  return *static_cast<const Instr*>(instr)->variables[input];
}

SessionState& Session::session_state(const void* instr, std::unique_ptr<SessionState> (*make)(const void*),
                                     const void* arg) {
  const auto* i = static_cast<const Instr*>(instr);
  if (SessionState* state = i->state.load(std::memory_order_acquire)) return *state;
  std::lock_guard lock(states_mutex_);
  auto& slot = states_[node_name(instr)];
  if (!slot) slot = make(arg);
  i->state.store(slot.get(), std::memory_order_release);
  return *slot;
}

const std::string& Session::node_name(const void* instr) const { return static_cast<const Instr*>(instr)->name; }

}  // namespace tfmini

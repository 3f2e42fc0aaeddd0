#include "runtime/recorder.h"

#include <algorithm>
#include <atomic>

#include "core/devices.h"
#include "runtime/executor.h"

namespace tfmini {
namespace {

constexpr int kMinKernels = 2;
// A segment whose addresses change all the time is not worth recording.
constexpr int kMaxAttempts = 8;

std::atomic<int64_t> recorded_count{0}, replayed_count{0}, stepped_count{0};

// Only binds a slot, on the host.
bool is_binding(const Instr& instr, const IrNode& n) { return instr.alias || n.op->name == "_ReadVariable"; }

class SegmentFinder {
 public:
  SegmentFinder(const std::vector<Instr>& instrs, const std::vector<IrNode>& nodes, const std::vector<int32_t>& ids,
                const std::vector<char>& fixed, const std::vector<uint8_t>& devices)
      : instrs_(instrs), nodes_(nodes), ids_(ids), fixed_(fixed), devices_(devices) {}

  std::vector<Segment> run() {
    for (int32_t i = 0; i < static_cast<int32_t>(instrs_.size()); ++i) {
      const Instr& instr = instrs_[i];
      const bool binds = is_binding(instr, nodes_[instr.node]) && !instr.infer;
      if (instr.device == 0 || (!binds && !is_recordable(instr))) {
        close();
        continue;
      }
      if (current_.count > 0 && current_.device != instr.device) close();
      if (current_.count == 0) current_.first = i;
      current_.device = instr.device;
      ++current_.count;
      if (binds) {
        current_.steps.push_back(i);
        current_.bound.push_back(ids_[instr.first_id + instr.num_inputs]);
      } else {
        take(instr);
      }
    }
    close();
    return std::move(found_);
  }

 private:
  // Does it do the same at every run, up to the contents of its memory?
  bool is_recordable(const Instr& instr) const {
    const OpDef& op = *nodes_[instr.node].op;
    if (instr.infer || instr.check_shapes || instr.num_allocs > 0) return false;
    if (op.keeps_inputs || op.dynamic_output || op.waits_on_gpu) return false;
    if (op.stateful && !op.writes_variable) return false;  // counters of random numbers, sub-graphs
    if (op.name == "_CopyToDevice") return false;
    // What it reads on the host must be constant.
    for (int32_t k = 0; k < instr.num_inputs; ++k) {
      const int32_t s = ids_[instr.first_id + k];
      const bool is_variable = static_cast<size_t>(k) < instr.variables.size() && instr.variables[k];
      if (!is_variable && devices_[s] != instr.device && !(devices_[s] == 0 && fixed_[s] == kFixedContents))
        return false;
    }
    for (int32_t k = 0; k < instr.num_outputs; ++k)
      if (!op.outputs[0].is_ref && !fixed_[ids_[instr.first_id + instr.num_inputs + k]]) return false;
    return true;
  }

  void take(const Instr& instr) {
    for (int32_t k = 0; k < instr.num_inputs; ++k) {
      const int32_t s = ids_[instr.first_id + k];
      Variable* v = static_cast<size_t>(k) < instr.variables.size() ? instr.variables[k] : nullptr;
      if (v)
        current_.variables.push_back(v);
      else if (!fixed_[s])
        current_.inputs.push_back(s);
    }
  }

  void close() {
    const auto make_set = [](auto& v) {
      std::sort(v.begin(), v.end());
      v.erase(std::unique(v.begin(), v.end()), v.end());
    };
    make_set(current_.inputs);
    current_.bound.insert(current_.bound.end(), current_.inputs.begin(), current_.inputs.end());
    make_set(current_.bound);
    make_set(current_.variables);
    if (current_.count - static_cast<int>(current_.steps.size()) >= kMinKernels) found_.push_back(std::move(current_));
    current_ = Segment();
  }

  const std::vector<Instr>& instrs_;
  const std::vector<IrNode>& nodes_;
  const std::vector<int32_t>& ids_;
  const std::vector<char>& fixed_;
  const std::vector<uint8_t>& devices_;
  Segment current_;
  std::vector<Segment> found_;
};

void step_through(const Plan& plan, const Segment& segment, RunState& state) {
  ++stepped_count;
  for (int32_t i = segment.first; i < segment.first + segment.count; ++i) {
    Executor::step(plan, state, i);
    Executor::release(plan, state, i);
  }
}

// The addresses a recording would depend on now.
std::vector<const void*> addresses(const Segment& segment, const RunState& state, const VariableUpdate& variables) {
  std::vector<const void*> out;
  for (int32_t s : segment.inputs) out.push_back(state.slots[s].raw());
  for (size_t v = 0; v < segment.variables.size(); ++v) out.push_back(variables.read(static_cast<int>(v)).raw());
  return out;
}

// Does only this run hold the buffer, besides the variable?
bool unwatched(const Tensor& value, const Segment& segment, const RunState& state) {
  const auto is_ours = [&](int32_t s) { return state.slots[s].buffer().get() == value.buffer().get(); };
  const auto own = std::count_if(segment.bound.begin(), segment.bound.end(), is_ours);
  return value.buffer()->refs() == 1 + own;
}

// Queues the recording if it still describes what would happen.
bool replay(const Segment& segment, RunState& state, Recorded& recorded) {
  VariableUpdate variables(segment.variables);  // nobody may take a snapshot, or assign, until it is queued
  if (addresses(segment, state, variables) != recorded.addresses) return false;
  for (size_t v = 0; v < segment.variables.size(); ++v)
    if (!unwatched(variables.read(static_cast<int>(v)), segment, state)) return false;
  recorded.recording->replay();
  ++replayed_count;
  return true;
}

void record(const Plan& plan, const Segment& segment, RunState& state, Recorded& recorded) {
  {
    const VariableUpdate variables(segment.variables);
    recorded.addresses = addresses(segment, state, variables);
  }
  Device& device = device_at(segment.device);
  device.begin_recording();
  try {
    const RecordingScope scope;
    for (int32_t i = segment.first; i < segment.first + segment.count; ++i)
      if (!std::binary_search(segment.steps.begin(), segment.steps.end(), i)) Executor::step(plan, state, i);
    recorded.recording = device.end_recording();
    ++recorded_count;
  } catch (...) {
    device.abandon_recording();
    throw;
  }
}

}  // namespace

std::vector<Segment> find_segments(const std::vector<Instr>& instrs, const std::vector<IrNode>& nodes,
                                   const std::vector<int32_t>& ids, const std::vector<char>& fixed,
                                   const std::vector<uint8_t>& devices) {
  return SegmentFinder(instrs, nodes, ids, fixed, devices).run();
}

RecorderCounts recorder_counts() { return {recorded_count, replayed_count, stepped_count}; }

void run_segment(const Plan& plan, const Segment& segment, RunState& state) {
  Recorded& recorded = state.recorded[&segment - plan.segments().data()];
  if (recorded.runs++ == 0 || recorded.attempts > kMaxAttempts) return step_through(plan, segment, state);
  for (int32_t i : segment.steps) Executor::step(plan, state, i);
  if (recorded.recording && replay(segment, state, recorded)) {
    for (int32_t i = segment.first; i < segment.first + segment.count; ++i) Executor::release(plan, state, i);
    return;
  }
  if (++recorded.attempts <= kMaxAttempts) try {
      record(plan, segment, state, recorded);
      if (replay(segment, state, recorded)) {
        for (int32_t i = segment.first; i < segment.first + segment.count; ++i) Executor::release(plan, state, i);
        return;
      }
    } catch (const Error&) {
      // It cannot be recorded, or it is wrong; if it is wrong, stepping through it says why.
      recorded.attempts = kMaxAttempts + 1;
    }
  step_through(plan, segment, state);
}

}  // namespace tfmini

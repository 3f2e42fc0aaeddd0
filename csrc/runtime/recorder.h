// Replays what a plan does on a device as one thing.
//
// A segment of instructions is stepped through at its first run, recorded at the second, and replayed from then on, as
// long as the addresses it was recorded with hold: those of values that enter it and of variables. A variable may have
// moved (an assignment, a restored checkpoint) or be looked at by somebody (a snapshot must not be written to); then
// the segment is stepped through, and recorded anew.
#pragma once

#include "runtime/plan.h"

namespace tfmini {

// What of a slot is the same in all runs.
enum Fixed : char { kNotFixed, kFixedAddress, kFixedContents };

// Finds what can be recorded of a plan; `fixed` is a Fixed per slot.
std::vector<Segment> find_segments(const std::vector<Instr>& instrs, const std::vector<IrNode>& nodes,
                                   const std::vector<int32_t>& ids, const std::vector<char>& fixed,
                                   const std::vector<uint8_t>& devices);

// How often segments were recorded, replayed and stepped through since the program started, for tests.
struct RecorderCounts {
  int64_t recorded, replayed, stepped;
};
RecorderCounts recorder_counts();

void run_segment(const Plan& plan, const Segment& segment, RunState& state);

}  // namespace tfmini

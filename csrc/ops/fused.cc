// _FusedElementwise: a chain of elementwise functions in one pass over memory.
//
// The output is walked in tiles small enough that all live registers stay in L1; each step runs its
// ordinary loop over one tile. Broadcast inputs are read as in core/broadcast.h; registers that are
// one value for a whole stretch stay scalars.
#include "ops/fused.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/broadcast.h"
#include "core/parallel.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::kNumUnary;
using simd::Unary;

struct Function {
  int64_t opcode;
  simd::DTypeMask types;
};

const std::unordered_map<std::string_view, Function>& functions() {
  using namespace simd;
  static const auto* map = [] {
    auto* m = new std::unordered_map<std::string_view, Function>;
#define TFMINI_UNARY(Name, types, cost, ...) m->emplace(#Name, Function{static_cast<int64_t>(Unary::k##Name), types});
    TFMINI_UNARY_MATH(TFMINI_UNARY)
    TFMINI_ACTIVATIONS(TFMINI_UNARY)
#undef TFMINI_UNARY
#define TFMINI_BINARY(Name, types, cost, ...) \
  m->emplace(#Name, Function{kNumUnary + static_cast<int64_t>(Binary::k##Name), types});
    TFMINI_BINARY_MATH(TFMINI_BINARY)
    TFMINI_ATAN2(TFMINI_BINARY)
    TFMINI_RESULT_GRADS(TFMINI_BINARY)
    TFMINI_FEATURE_GRADS(TFMINI_BINARY)
    TFMINI_OUTPUT_GRADS(TFMINI_BINARY)
#undef TFMINI_BINARY
    return m;
  }();
  return *map;
}

// Nanoseconds per element, for grain sizes.
double step_cost(int64_t opcode) {
  static constexpr double kCosts[] = {
#define TFMINI_COST(Name, types, cost, ...) cost,
      TFMINI_ALL_UNARY(TFMINI_COST) TFMINI_ALL_BINARY(TFMINI_COST)
#undef TFMINI_COST
  };
  return kCosts[opcode];
}

struct Step {
  int32_t function;  // in its table
  int32_t a, b;      // registers; b < 0: unary
  int32_t tile;      // where the result goes
};

class FusedElementwise {
 public:
  explicit FusedElementwise(const Attrs& attrs)
      : dtype_(attrs.dtype("T")),
        size_(static_cast<int64_t>(dtype_size(dtype_))),
        num_inputs_(static_cast<int>(attrs.integer("N"))) {
    for (int64_t r : attrs.ints("results")) results_.push_back(static_cast<int32_t>(r));
    const auto& program = attrs.ints("program");
    for (size_t i = 0; i + 2 < program.size(); i += 3) {
      const int64_t op = program[i];
      steps_.push_back({static_cast<int32_t>(is_unary_opcode(op) ? op : op - kNumUnary),
                        static_cast<int32_t>(program[i + 1]), static_cast<int32_t>(program[i + 2]), 0});
      cost_ += step_cost(op);
    }
    assign_tiles();
  }

  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    if (n == 1) return run_scalars(c);
    if (n == 0) return;
    std::vector<BroadcastInput> inputs;
    for (int i = 0; i < num_inputs_; ++i)
      inputs.emplace_back(c.input(i).shape(), c.output(0).shape(), static_cast<int>(size_));
    const int64_t bytes = size_ * static_cast<int64_t>(num_inputs_ + results_.size());
    const bool overlap = overlaps(c);
    parallel_for(n, std::max<int64_t>(elementwise_grain(cost_, static_cast<size_t>(bytes)), tile_elements()),
                 [&](int64_t begin, int64_t end) { run_chunk(c, inputs, overlap, begin, end); });
  }

 private:
  static constexpr int64_t kScratchBytes = 32 << 10;  // the tiles of one thread; fits L1 beside the streams
  static constexpr int kMaxRegisters = kMaxFusedInputs + kMaxFusedSteps;

  // Results share tiles with registers that are no longer needed. Inputs own the first tiles, for
  // copies; results of the program keep theirs to the end.
  void assign_tiles() {
    const auto registers = static_cast<size_t>(num_inputs_) + steps_.size();
    std::vector<int32_t> last(registers, -1), tile(registers, -1), free_tiles;
    for (size_t i = 0; i < steps_.size(); ++i) {
      last[steps_[i].a] = static_cast<int32_t>(i);
      if (steps_[i].b >= 0) last[steps_[i].b] = static_cast<int32_t>(i);
    }
    for (int32_t r : results_) last[r] = static_cast<int32_t>(steps_.size());
    num_tiles_ = num_inputs_;
    for (int r = 0; r < num_inputs_; ++r) tile[r] = r;
    for (size_t i = 0; i < steps_.size(); ++i) {
      Step& s = steps_[i];
      // Loops allow the result to overwrite an operand, so a dying operand's tile can be taken at once.
      const int32_t operands[] = {s.a, s.b};
      for (int k = 0; k < 2; ++k)
        if (operands[k] >= num_inputs_ && last[operands[k]] == static_cast<int32_t>(i) && !(k == 1 && s.a == s.b))
          free_tiles.push_back(tile[operands[k]]);
      if (free_tiles.empty()) free_tiles.push_back(num_tiles_++);
      s.tile = tile[static_cast<size_t>(num_inputs_) + i] = free_tiles.back();
      free_tiles.pop_back();
    }
  }

  int64_t tile_elements() const { return std::clamp<int64_t>(kScratchBytes / (num_tiles_ * size_) & ~63, 64, 4096); }

  // Does an output lie where an input lies? Then it is written only when a tile is done.
  bool overlaps(const KernelContext& c) const {
    for (int i = 0; i < num_inputs_; ++i)
      for (size_t k = 0; k < results_.size(); ++k)
        if (c.input(i).raw() == c.output(static_cast<int>(k)).raw()) return true;
    return false;
  }

  void run_scalars(const KernelContext& c) const {
    const void* registers[kMaxRegisters];
    alignas(64) char values[kMaxFusedSteps * 8];
    for (int i = 0; i < num_inputs_; ++i) registers[i] = c.input(i).raw();
    const auto& unary = simd::unary_table();
    const auto& binary = simd::binary_table();
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& s = steps_[i];
      void* out = values + 8 * i;
      if (s.b < 0)
        unary.at(static_cast<Unary>(s.function), dtype_)(registers[s.a], out, 1);
      else
        binary.at(static_cast<Binary>(s.function), dtype_).vector_vector(registers[s.a], registers[s.b], out, 1);
      registers[static_cast<size_t>(num_inputs_) + i] = out;
    }
    for (size_t k = 0; k < results_.size(); ++k)
      std::memcpy(c.output(static_cast<int>(k)).raw(), registers[results_[k]], static_cast<size_t>(size_));
  }

  void run_chunk(const KernelContext& c, const std::vector<BroadcastInput>& inputs, bool overlap, int64_t begin,
                 int64_t end) const {
    alignas(64) char small[kScratchBytes];
    std::vector<char> large;  // only programs with very many live registers
    const int64_t limit = tile_elements();
    char* tiles = small;
    if (limit * num_tiles_ * size_ > kScratchBytes) {
      large.resize(static_cast<size_t>(limit * num_tiles_ * size_));
      tiles = large.data();
    }
    while (begin < end) {
      int64_t n = std::min(end - begin, limit);
      for (const BroadcastInput& in : inputs) n = std::min(n, in.run_from(begin));
      run_tile(c, inputs, overlap, tiles, limit * size_, begin, n);
      begin += n;
    }
  }

  void run_tile(const KernelContext& c, const std::vector<BroadcastInput>& inputs, bool overlap, char* tiles,
                int64_t tile_bytes, int64_t begin, int64_t n) const {
    const void* data[kMaxRegisters];
    bool scalar[kMaxRegisters];
    for (int i = 0; i < num_inputs_; ++i) {
      const auto span = inputs[i].read(c.input(i).raw(), begin, n, tiles + i * tile_bytes);
      data[i] = span.data;
      scalar[i] = span.scalar;
    }
    const auto& unary = simd::unary_table();
    const auto& binary = simd::binary_table();
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& s = steps_[i];
      const size_t r = static_cast<size_t>(num_inputs_) + i;
      void* out = destination(c, static_cast<int32_t>(r), overlap, tiles + s.tile * tile_bytes, begin);
      scalar[r] = scalar[s.a] && (s.b < 0 || scalar[s.b]);
      const int64_t count = scalar[r] ? 1 : n;
      if (s.b < 0) {
        unary.at(static_cast<Unary>(s.function), dtype_)(data[s.a], out, count);
      } else {
        const auto& loops = binary.at(static_cast<Binary>(s.function), dtype_);
        const bool vector_a = !scalar[s.a], vector_b = !scalar[s.b];
        const auto loop = vector_a == vector_b ? loops.vector_vector : vector_a ? loops.vector_scalar : loops.scalar_vector;
        loop(data[s.a], data[s.b], out, count);
      }
      data[r] = out;
    }
    for (size_t k = 0; k < results_.size(); ++k) {
      char* out = static_cast<char*>(c.output(static_cast<int>(k)).raw()) + begin * size_;
      const int32_t r = results_[k];
      if (scalar[r])
        fill(data[r], out, n);
      else if (data[r] != out)
        std::memcpy(out, data[r], static_cast<size_t>(n * size_));
    }
  }

  // A result of the program goes straight to memory where nothing can be overwritten too early.
  void* destination(const KernelContext& c, int32_t r, bool overlap, char* tile, int64_t begin) const {
    if (overlap) return tile;
    for (size_t k = 0; k < results_.size(); ++k)
      if (results_[k] == r) return static_cast<char*>(c.output(static_cast<int>(k)).raw()) + begin * size_;
    return tile;
  }

  void fill(const void* value, char* out, int64_t n) const {
    char element[8];
    std::memcpy(element, value, static_cast<size_t>(size_));
    for (int64_t i = 0; i < n; ++i) std::memcpy(out + i * size_, element, static_cast<size_t>(size_));
  }

  DType dtype_;
  int64_t size_;
  int num_inputs_;
  int num_tiles_ = 0;
  double cost_ = 0;
  std::vector<Step> steps_;
  std::vector<int32_t> results_;  // registers that are outputs
};

void fused_shape(InferContext& c) {
  shapes::broadcast_all(c);
  for (int i = 1; i < c.num_outputs(); ++i) c.set_output(i, c.output(0));
}

}  // namespace

bool is_unary_opcode(int64_t opcode) { return opcode < kNumUnary; }

int64_t fused_opcode(std::string_view op, DType dtype) {
  if (dtype != DType::kFloat && dtype != DType::kDouble && dtype != DType::kInt32) return -1;
  const auto it = functions().find(op);
  if (it == functions().end() || !(it->second.types & simd::mask_of(dtype))) return -1;
  if (is_integer(dtype)) {
    // Integer division and powers check their operands.
    for (std::string_view checked : {"Div", "RealDiv", "TruncateDiv", "FloorDiv", "Mod", "FloorMod", "TruncateMod", "Pow"})
      if (op == checked) return -1;
  }
  return it->second.opcode;
}

void register_fused(Registry& r) {
  OpBuilder op = r.op("_FusedElementwise");
  op.input("inputs: N * T").output("outputs: M * T").attr("N: int >= 1").attr("M: int >= 1")
      .attr("T: {float, double, int32}").attr("program: list(int)").attr("results: list(int)").shape(fused_shape);
  for (int i = 0; i < kMaxFusedInputs; ++i)
    for (int k = 0; k < kMaxFusedOutputs; ++k) op.in_place(i, k);
  for (DType d : {DType::kFloat, DType::kDouble, DType::kInt32})
    r.kernel<FusedElementwise>("_FusedElementwise", DeviceKind::kCPU, d);
}

}  // namespace tfmini

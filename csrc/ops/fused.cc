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
#include "core/elements.h"
#include "core/parallel.h"
#include "ops/elementwise.h"
#include "simd/cast.h"
#include "simd/select.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::kNumBinary;
using simd::kNumUnary;
using simd::Unary;

constexpr int64_t kFirstBinary = kNumUnary;
constexpr int64_t kSelect = kFirstBinary + kNumBinary;
constexpr int64_t kFirstCast = kSelect + 1;

const std::unordered_map<std::string_view, int64_t>& opcodes() {
  static const auto* map = [] {
    auto* m = new std::unordered_map<std::string_view, int64_t>;
#define TFMINI_UNARY(Name, types, cost, ...) m->emplace(#Name, static_cast<int64_t>(Unary::k##Name));
    TFMINI_ALL_UNARY(TFMINI_UNARY)
#undef TFMINI_UNARY
#define TFMINI_BINARY(Name, types, cost, ...) m->emplace(#Name, kFirstBinary + static_cast<int64_t>(Binary::k##Name));
    TFMINI_ALL_BINARY(TFMINI_BINARY)
#undef TFMINI_BINARY
    return m;
  }();
  return *map;
}

// Nanoseconds per element, for grain sizes.
double cost_of(int64_t opcode) {
  static constexpr double kCosts[] = {
#define TFMINI_COST(Name, types, cost, ...) cost,
      TFMINI_ALL_UNARY(TFMINI_COST) TFMINI_ALL_BINARY(TFMINI_COST)
#undef TFMINI_COST
  };
  return opcode < kSelect ? kCosts[opcode] : 0.2;
}

bool returns_bool(int64_t opcode) {
  switch (opcode) {
#define TFMINI_CASE(Name, types, cost, ...) case static_cast<int64_t>(Unary::k##Name):
    TFMINI_PREDICATES(TFMINI_CASE)
#undef TFMINI_CASE
#define TFMINI_CASE(Name, types, cost, ...) case kFirstBinary + static_cast<int64_t>(Binary::k##Name):
    TFMINI_COMPARISONS(TFMINI_CASE)
    TFMINI_EQUALITIES(TFMINI_CASE)
#undef TFMINI_CASE
    return true;
    default:
      return false;
  }
}

enum class Kind : uint8_t { kUnary, kBinary, kSelect, kCast };

struct Step {
  Kind kind;
  DType type;        // of the operands (of the chosen values, for select)
  DType to;          // of a cast's result
  int16_t function;  // in its table
  int16_t a, b, c;   // registers
  int16_t tile;      // where the result goes,
  int16_t output;    // unless it can go to this output at once; -1: it is none
};

struct Register {
  int size;           // bytes per element
  int16_t last = -1;  // step that reads it last
};

// A register's elements for one stretch.
struct Value {
  const void* data;
  bool scalar;  // one for all
};

class FusedElementwise {
 public:
  explicit FusedElementwise(const Attrs& attrs) {
    std::vector<DType> types = attrs.get<std::vector<DType>>("Tin");
    num_inputs_ = static_cast<int>(types.size());
    const auto& program = attrs.ints("program");
    for (size_t i = 0; i + 3 < program.size(); i += 4) {
      steps_.push_back(decode(&program[i], types));
      types.push_back(result_type(steps_.back(), program[i]));
      cost_ += cost_of(program[i]);
    }
    for (int64_t r : attrs.ints("results")) results_.push_back(static_cast<int16_t>(r));
    for (DType t : types) {
      registers_.push_back({static_cast<int>(dtype_size(t))});
      widest_ = std::max(widest_, registers_.back().size);
    }
    assign_tiles();
  }

  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    if (n == 0) return;
    if (n == 1) return run_scalars(c);
    std::vector<BroadcastInput> inputs;
    for (int i = 0; i < num_inputs_; ++i)
      inputs.emplace_back(c.input(i).shape(), c.output(0).shape(), registers_[i].size);
    size_t bytes = 0;
    for (int i = 0; i < num_inputs_; ++i) bytes += registers_[i].size;
    for (int16_t r : results_) bytes += registers_[r].size;
    const bool overlap = overlaps(c);
    parallel_for(n, std::max<int64_t>(elementwise_grain(cost_, bytes), tile_elements()),
                 [&](int64_t begin, int64_t end) { run_chunk(c, inputs, overlap, begin, end); });
  }

 private:
  static constexpr int64_t kScratchBytes = 32 << 10;  // the tiles of one thread; fits L1 beside the streams
  static constexpr int kMaxRegisters = kMaxFusedInputs + kMaxFusedSteps;

  static Step decode(const int64_t* p, const std::vector<DType>& types) {
    const int64_t opcode = p[0];
    Step s{};
    s.a = static_cast<int16_t>(p[1]);
    s.b = static_cast<int16_t>(p[2]);
    s.c = static_cast<int16_t>(p[3]);
    s.type = types[s.a];
    if (opcode < kFirstBinary) {
      s.kind = Kind::kUnary;
      s.function = static_cast<int16_t>(opcode);
    } else if (opcode < kSelect) {
      s.kind = Kind::kBinary;
      s.function = static_cast<int16_t>(opcode - kFirstBinary);
    } else if (opcode == kSelect) {
      s.kind = Kind::kSelect;
      s.type = types[s.b];
    } else {
      s.kind = Kind::kCast;
      s.to = static_cast<DType>(opcode - kFirstCast);
    }
    return s;
  }

  static DType result_type(const Step& s, int64_t opcode) {
    if (s.kind == Kind::kCast) return s.to;
    return returns_bool(opcode) ? DType::kBool : s.type;
  }

  // Results share tiles with registers that are no longer needed. Inputs own the first tiles, for
  // copies; results of the program keep theirs to the end.
  void assign_tiles() {
    for (size_t i = 0; i < steps_.size(); ++i)
      for (int16_t r : {steps_[i].a, steps_[i].b, steps_[i].c})
        if (r >= 0) registers_[r].last = static_cast<int16_t>(i);
    for (int16_t r : results_) registers_[r].last = static_cast<int16_t>(steps_.size());
    std::vector<int16_t> tile(registers_.size()), free_tiles;
    num_tiles_ = num_inputs_;
    for (size_t i = 0; i < steps_.size(); ++i) {
      Step& s = steps_[i];
      const auto r = static_cast<size_t>(num_inputs_) + i;
      const auto result = std::find(results_.begin(), results_.end(), static_cast<int16_t>(r));
      s.output = static_cast<int16_t>(result == results_.end() ? -1 : result - results_.begin());
      // A loop may write over an operand of its own element size; others are free only afterwards.
      std::vector<int16_t> later;
      int16_t operands[] = {s.a, s.b, s.c};
      for (int k = 0; k < 3; ++k) {
        const int16_t op = operands[k];
        if (op < num_inputs_ || registers_[op].last != static_cast<int16_t>(i)) continue;
        if (std::find(operands, operands + k, op) != operands + k) continue;
        (registers_[op].size == registers_[r].size ? free_tiles : later).push_back(tile[op]);
      }
      if (free_tiles.empty()) free_tiles.push_back(static_cast<int16_t>(num_tiles_++));
      s.tile = tile[r] = free_tiles.back();
      free_tiles.pop_back();
      free_tiles.insert(free_tiles.end(), later.begin(), later.end());
    }
  }

  int64_t tile_elements() const {
    return std::clamp<int64_t>((kScratchBytes / (num_tiles_ * widest_)) & ~int64_t{63}, 64, 4096);
  }

  // Does an output lie where an input lies? Then it is written only when a tile is done.
  bool overlaps(const KernelContext& c) const {
    for (int i = 0; i < num_inputs_; ++i)
      for (size_t k = 0; k < results_.size(); ++k)
        if (c.input(i).raw() == c.output(static_cast<int>(k)).raw()) return true;
    return false;
  }

  void run_scalars(const KernelContext& c) const {
    Value values[kMaxRegisters];
    alignas(64) char scratch[kMaxFusedSteps * 8];
    for (int i = 0; i < num_inputs_; ++i) values[i] = {c.input(i).raw(), true};
    for (size_t i = 0; i < steps_.size(); ++i) run_step(steps_[i], values, scratch + 8 * i, 1, values[num_inputs_ + i]);
    for (size_t k = 0; k < results_.size(); ++k)
      std::memcpy(c.output(static_cast<int>(k)).raw(), values[results_[k]].data,
                  static_cast<size_t>(registers_[results_[k]].size));
  }

  void run_chunk(const KernelContext& c, const std::vector<BroadcastInput>& inputs, bool overlap, int64_t begin,
                 int64_t end) const {
    alignas(64) char small[kScratchBytes];
    std::vector<char> large;  // only programs with very many live registers
    const int64_t limit = tile_elements();
    char* tiles = small;
    if (limit * num_tiles_ * widest_ > kScratchBytes) {
      large.resize(static_cast<size_t>(limit * num_tiles_ * widest_));
      tiles = large.data();
    }
    while (begin < end) {
      int64_t n = std::min(end - begin, limit);
      for (const BroadcastInput& in : inputs) n = std::min(n, in.run_from(begin));
      run_tile(c, inputs, overlap, tiles, limit * widest_, begin, n);
      begin += n;
    }
  }

  void run_tile(const KernelContext& c, const std::vector<BroadcastInput>& inputs, bool overlap, char* tiles,
                int64_t tile_bytes, int64_t begin, int64_t n) const {
    Value values[kMaxRegisters];
    for (int i = 0; i < num_inputs_; ++i) {
      const auto span = inputs[i].read(c.input(i).raw(), begin, n, tiles + i * tile_bytes);
      values[i] = {span.data, span.scalar};
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& s = steps_[i];
      // A result goes straight to memory where nothing can be overwritten too early.
      char* out = s.output >= 0 && !overlap ? output_at(c, s.output, begin) : tiles + s.tile * tile_bytes;
      run_step(s, values, out, n, values[num_inputs_ + i]);
    }
    for (size_t k = 0; k < results_.size(); ++k) {
      char* out = output_at(c, static_cast<int>(k), begin);
      const Value& v = values[results_[k]];
      const int size = registers_[results_[k]].size;
      if (v.scalar)
        repeat(v.data, out, n, c.output(static_cast<int>(k)).dtype());
      else if (v.data != out)
        std::memcpy(out, v.data, static_cast<size_t>(n * size));
    }
  }

  char* output_at(const KernelContext& c, int k, int64_t begin) const {
    return static_cast<char*>(c.output(k).raw()) + begin * registers_[results_[k]].size;
  }

  static void run_step(const Step& s, const Value* values, void* out, int64_t n, Value& result) {
    const Value& a = values[s.a];
    result = {out, a.scalar};
    switch (s.kind) {
      case Kind::kUnary:
        simd::unary_table().at(static_cast<Unary>(s.function), s.type)(a.data, out, a.scalar ? 1 : n);
        break;
      case Kind::kBinary: {
        const Value& b = values[s.b];
        const auto& loops = simd::binary_table().at(static_cast<Binary>(s.function), s.type);
        result.scalar = a.scalar && b.scalar;
        (a.scalar == b.scalar ? loops.vector_vector
         : a.scalar           ? loops.scalar_vector
                              : loops.vector_scalar)(a.data, b.data, out, result.scalar ? 1 : n);
        break;
      }
      case Kind::kSelect: {
        const Value &b = values[s.b], &c = values[s.c];
        const auto size = static_cast<int>(dtype_size(s.type));
        if (a.scalar) {
          const Value& chosen = *static_cast<const bool*>(a.data) ? b : c;
          result.scalar = chosen.scalar;
          std::memmove(out, chosen.data, static_cast<size_t>((chosen.scalar ? 1 : n) * size));
        } else {
          simd::select_table().at(size, b.scalar, c.scalar)(static_cast<const bool*>(a.data), b.data, c.data, out, n);
        }
        break;
      }
      case Kind::kCast:
        simd::cast_table().at(s.type, s.to)(a.data, out, a.scalar ? 1 : n);
        break;
    }
  }

  static void repeat(const void* value, void* out, int64_t n, DType dtype) {
    with_element(dtype, [&]<class T>(std::type_identity<T>) {
      const T element = *static_cast<const T*>(value);  // may lie in `out`
      std::fill_n(static_cast<T*>(out), n, element);
    });
  }

  int num_inputs_ = 0;
  int num_tiles_ = 0;
  int widest_ = 1;
  double cost_ = 0;
  std::vector<Step> steps_;
  std::vector<Register> registers_;
  std::vector<int16_t> results_;  // registers that are outputs
};

void fused_shape(InferContext& c) {
  shapes::broadcast_all(c);
  for (int i = 1; i < c.num_outputs(); ++i) c.set_output(i, c.output(0));
}

}  // namespace

bool fusable_type(DType d) {
  return d == DType::kFloat || d == DType::kDouble || d == DType::kInt32 || d == DType::kInt64 || d == DType::kBool;
}

int64_t fused_opcode(std::string_view function, DType operands) {
  const auto it = opcodes().find(function);
  if (it == opcodes().end()) return -1;
  const int64_t op = it->second;
  if (op < kFirstBinary) return simd::unary_table().at(static_cast<Unary>(op), operands) ? op : -1;
  if (!simd::binary_table().at(static_cast<Binary>(op - kFirstBinary), operands).vector_vector) return -1;
  if (is_integer(operands)) {
    // Integer division and powers check their operands.
    for (std::string_view checked :
         {"Div", "RealDiv", "TruncateDiv", "FloorDiv", "Mod", "FloorMod", "TruncateMod", "Pow"})
      if (function == checked) return -1;
  }
  return op;
}

int64_t fused_select_opcode() { return kSelect; }
int64_t fused_cast_opcode(DType to) { return kFirstCast + static_cast<int64_t>(to); }

void register_fused(Registry& r) {
  OpBuilder op = r.op("_FusedElementwise");
  op.input("inputs: Tin")
      .output("outputs: Tout")
      .attr("Tin: list(type)")
      .attr("Tout: list(type)")
      .attr("program: list(int)")
      .attr("results: list(int)")
      .shape(fused_shape);
  for (int i = 0; i < kMaxFusedInputs; ++i)
    for (int k = 0; k < kMaxFusedOutputs; ++k) op.in_place(i, k);
  r.kernel<FusedElementwise>("_FusedElementwise", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini

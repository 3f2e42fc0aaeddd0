#include "ops/fused_steps.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <unordered_map>

#include "core/elements.h"
#include "simd/binary.h"
#include "simd/cast.h"
#include "simd/select.h"
#include "simd/unary.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::Unary;
using Kind = FusedStep::Kind;

constexpr int64_t kFirstBinary = simd::kNumUnary;
constexpr int64_t kSelect = kFirstBinary + simd::kNumBinary;
constexpr int64_t kSpread = kSelect + 1;
constexpr int64_t kFirstReduce = kSpread + 1;  // + kReductions * extent + which
constexpr std::string_view kReductions[] = {"Sum", "Mean", "Prod", "Max", "Min"};
constexpr int64_t kNumReductions = std::size(kReductions);
constexpr int64_t kFirstCast = kFirstReduce + 4 * kNumReductions;

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

simd::Reduction reduction_of(std::string_view name) {
  if (name == "Prod") return simd::Reduction::kProd;
  if (name == "Max") return simd::Reduction::kMax;
  if (name == "Min") return simd::Reduction::kMin;
  return simd::Reduction::kSum;
}

FusedStep decode(const int64_t* p, const std::vector<FusedRegister>& registers) {
  const int64_t opcode = p[0];
  FusedStep s{};
  s.a = static_cast<int16_t>(p[1]);
  s.b = static_cast<int16_t>(p[2]);
  s.c = static_cast<int16_t>(p[3]);
  s.type = registers[s.a].type;
  if (opcode < kFirstBinary) {
    s.kind = Kind::kUnary;
    s.function = static_cast<int16_t>(opcode);
  } else if (opcode < kSelect) {
    s.kind = Kind::kBinary;
    s.function = static_cast<int16_t>(opcode - kFirstBinary);
  } else if (opcode == kSelect) {
    s.kind = Kind::kSelect;
    s.type = registers[s.b].type;
  } else if (opcode == kSpread) {
    s.kind = Kind::kSpread;
  } else if (opcode < kFirstCast) {
    s.kind = Kind::kReduce;
    const std::string_view name = kReductions[(opcode - kFirstReduce) % kNumReductions];
    s.function = static_cast<int16_t>(reduction_of(name));
    s.mean = name == "Mean";
  } else {
    s.kind = Kind::kCast;
    s.to = static_cast<DType>(opcode - kFirstCast);
  }
  return s;
}

FusedRegister result_of(const FusedStep& s, int64_t opcode, const std::vector<FusedRegister>& registers) {
  const DType type = s.kind == Kind::kCast ? s.to : returns_bool(opcode) ? DType::kBool : s.type;
  Extent extent = Extent::kRow;
  if (s.kind == Kind::kReduce)
    extent = static_cast<Extent>((opcode - kFirstReduce) / kNumReductions);
  else if (s.kind == Kind::kSpread)
    extent = Extent::kFull;
  else
    for (int16_t r : {s.a, s.b, s.c})
      if (r >= 0 && registers[r].extent == Extent::kFull) extent = Extent::kFull;
  return {type, static_cast<int>(dtype_size(type)), extent};
}

}  // namespace

FusedSteps::FusedSteps(const Attrs& attrs) {
  const auto& rows = attrs.ints("row_inputs");
  for (DType t : attrs.get<std::vector<DType>>("Tin")) {
    const bool row = std::find(rows.begin(), rows.end(), num_inputs) != rows.end();
    registers.push_back({t, static_cast<int>(dtype_size(t)), row ? Extent::kRow : Extent::kFull});
    ++num_inputs;
  }
  const auto& program = attrs.ints("program");
  for (size_t i = 0; i + 3 < program.size(); i += 4) {
    steps.push_back(decode(&program[i], registers));
    FusedRegister r = result_of(steps.back(), program[i], registers);
    if (r.extent != Extent::kFull) r.slot = static_cast<int16_t>(r.extent == Extent::kRow ? num_rows++ : num_columns++);
    if (r.extent != Extent::kRow) cost += fused_cost(program[i]);
    registers.push_back(r);
  }
  for (int64_t r : attrs.ints("results")) results.push_back(static_cast<int16_t>(r));
  for (const FusedRegister& r : registers) widest = std::max(widest, r.size);
  assign_tiles();
}

// Full results share tiles with registers that are no longer needed; results of the program keep theirs to the end.
void FusedSteps::assign_tiles() {
  for (size_t i = 0; i < steps.size(); ++i)
    for (int16_t r : {steps[i].a, steps[i].b, steps[i].c})
      if (r >= 0) registers[r].last = static_cast<int16_t>(i);
  for (int16_t r : results) registers[r].last = static_cast<int16_t>(steps.size());
  std::vector<int16_t> tile(registers.size()), free_tiles;
  for (size_t i = 0; i < steps.size(); ++i) {
    FusedStep& s = steps[i];
    const auto r = static_cast<size_t>(num_inputs) + i;
    const auto result = std::find(results.begin(), results.end(), static_cast<int16_t>(r));
    s.output = static_cast<int16_t>(result == results.end() ? -1 : result - results.begin());
    // A loop may write over an operand of its own element size; others are free only afterwards.
    std::vector<int16_t> later;
    int16_t operands[] = {s.a, s.b, s.c};
    for (int k = 0; k < 3; ++k) {
      const int16_t op = operands[k];
      if (op < num_inputs || registers[op].extent != Extent::kFull || registers[op].last != static_cast<int16_t>(i))
        continue;
      if (std::find(operands, operands + k, op) != operands + k) continue;
      (registers[op].size == registers[r].size ? free_tiles : later).push_back(tile[op]);
    }
    const bool full = registers[r].extent == Extent::kFull;
    if (full || s.kind == Kind::kReduce) {
      if (free_tiles.empty()) free_tiles.push_back(static_cast<int16_t>(num_tiles++));
      s.tile = tile[r] = free_tiles.back();
      if (full) free_tiles.pop_back();
    }
    free_tiles.insert(free_tiles.end(), later.begin(), later.end());
  }
}

FusedValue run_fused_step(const FusedStep& s, const FusedValue* values, void* out, int64_t n) {
  const FusedValue& a = values[s.a];
  FusedValue result = {out, a.scalar};
  switch (s.kind) {
    case Kind::kUnary:
      simd::unary_table().at(static_cast<Unary>(s.function), s.type)(a.data, out, a.scalar ? 1 : n);
      break;
    case Kind::kBinary: {
      const FusedValue& b = values[s.b];
      const auto& loops = simd::binary_table().at(static_cast<Binary>(s.function), s.type);
      result.scalar = a.scalar && b.scalar;
      (a.scalar == b.scalar ? loops.vector_vector
       : a.scalar           ? loops.scalar_vector
                            : loops.vector_scalar)(a.data, b.data, out, result.scalar ? 1 : n);
      break;
    }
    case Kind::kSelect: {
      const FusedValue &b = values[s.b], &c = values[s.c];
      const auto size = static_cast<int>(dtype_size(s.type));
      if (a.scalar) {
        const FusedValue& chosen = *static_cast<const bool*>(a.data) ? b : c;
        result.scalar = chosen.scalar;
        std::memmove(out, chosen.data, static_cast<size_t>((chosen.scalar ? 1 : n) * size));
      } else {
        simd::select_table().at(size, b.scalar, c.scalar)(static_cast<const bool*>(a.data), b.data, c.data, out, n);
      }
      break;
    }
    default:
      simd::cast_table().at(s.type, s.to)(a.data, out, a.scalar ? 1 : n);
      break;
  }
  return result;
}

void fill_fused(const void* value, void* out, int64_t n, DType dtype) {
  with_element(dtype, [&]<class T>(std::type_identity<T>) {
    const T element = *static_cast<const T*>(value);
    std::fill_n(static_cast<T*>(out), n, element);
  });
}

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
int64_t fused_spread_opcode() { return kSpread; }

bool is_fused_elementwise(int64_t opcode) {
  return opcode != kSpread && (opcode < kFirstReduce || opcode >= kFirstCast);
}

double fused_cost(int64_t opcode) {
  static constexpr double kCosts[] = {
#define TFMINI_COST(Name, types, cost, ...) cost,
      TFMINI_ALL_UNARY(TFMINI_COST) TFMINI_ALL_BINARY(TFMINI_COST)
#undef TFMINI_COST
  };
  return opcode < kSelect ? kCosts[opcode] : 0.2;
}

int64_t fused_reduce_opcode(std::string_view op, Extent result, DType operand) {
  if (operand != DType::kFloat && operand != DType::kDouble) return -1;
  const auto* which = std::find(std::begin(kReductions), std::end(kReductions), op);
  if (which == std::end(kReductions)) return -1;
  return kFirstReduce + static_cast<int64_t>(result) * kNumReductions + (which - std::begin(kReductions));
}

}  // namespace tfmini

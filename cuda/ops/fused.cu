// _FusedElementwise: a chain of elementwise functions, with reductions, as one kernel.
//
// A block walks tiles of the frame, a number of rows or a piece of one, and interprets the program: every step runs
// over the tile, registers stay on the chip. Reductions of columns, or of everything, add up per task and are joined by
// a second kernel; tasks depend on sizes only.
#include "ops/fused.h"

#include <algorithm>

#include "ops/fused_run.cuh"

namespace tfmini::cuda {
namespace {

using Where = Ref::Where;

constexpr int64_t kTileElements = kThreads * kPack;
constexpr int64_t kOnChip = 96 << 10;  // two blocks per multiprocessor
constexpr int64_t kTasks = 512;        // where columns are reduced

class FusedKernel {
 public:
  explicit FusedKernel(const Attrs& attrs) : program_(attrs), frame_(attrs.shape("frame")), row_(attrs.integer("row")) {
    for (size_t i = 0; i < program_.steps.size(); ++i)
      if (program_.steps[i].kind == Kind::kReduce) reduces_rows_ |= result(i).extent == Extent::kRow;
    for (const FusedRegister& r : program_.registers) has_double_ |= r.type == DType::kDouble;
  }

  void operator()(KernelContext& c) const {
    if (frame_.num_elements() == 0) return;
    const cudaStream_t s = stream(c);
    Program p{};
    std::vector<Tensor> scratch;
    std::vector<std::pair<int, Tensor>> displaced;
    describe_inputs(c, p);
    describe_walk(p);
    describe_outputs(c, p, displaced);
    describe_steps(p);
    describe_sums(c, p, scratch);
    int64_t blocks = p.tasks;
    if (p.space > kOnChip) {
      blocks = std::min<int64_t>(blocks, 2 * kTasks);
      scratch.push_back(c.scratch(DType::kUInt8, Shape{blocks * p.space}));
      p.memory = static_cast<char*>(scratch.back().raw());
    }
    const auto kernel = has_double_ ? &run_program<true> : &run_program<false>;
    const size_t shared = p.memory ? 0 : static_cast<size_t>(p.space);
    launch(kernel, dim3(static_cast<unsigned>(blocks)), kThreads, shared, s, p);
    for (size_t k = 0; k < program_.results.size(); ++k) join(c, p, s, static_cast<int>(k));
    for (const auto& [k, t] : displaced)
      check_cuda(cudaMemcpyAsync(c.output(k).raw(), t.raw(), t.bytes(), cudaMemcpyDeviceToDevice, s), "copying");
  }

 private:
  const FusedRegister& result(size_t step) const { return program_.registers[program_.num_inputs + step]; }

  void describe_inputs(KernelContext& c, Program& p) const {
    p.num_inputs = program_.num_inputs;
    for (int i = 0; i < p.num_inputs; ++i) {
      const Tensor& t = c.input(i);
      const FusedRegister& r = program_.registers[i];
      Operand& in = p.inputs[i];
      in.data = t.raw();
      in.aligned = reinterpret_cast<uintptr_t>(t.raw()) % static_cast<size_t>(r.size * kPack) == 0;
      in.way = t.num_elements() == 1 ? Operand::Way::kScalar : Operand::Way::kDense;
      p.row_input[i] = r.extent == Extent::kRow;
      if (p.row_input[i] || t.num_elements() == 1 || t.num_elements() == frame_.num_elements()) continue;
      in.way = Operand::Way::kBroadcast;
      in.shape = BroadcastInput(t.shape(), frame_, r.size);
    }
  }

  void describe_walk(Program& p) const {
    p.size = frame_.num_elements();
    p.row = row_ > 0 ? row_ : p.size;
    p.rows = p.size / p.row;
    p.width = reduces_rows_ ? p.row : std::min(p.row, kTileElements);
    p.pieces = (p.row + p.width - 1) / p.width;
    p.tile_rows = p.pieces > 1 ? 1 : std::clamp<int64_t>(kTileElements / p.width, 1, p.rows);
    p.tiles = (p.rows + p.tile_rows - 1) / p.tile_rows;
    p.widest = program_.widest;
    constexpr int64_t kAlignment = kPack * sizeof(double);  // of the widest packs
    const auto up = [](int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; };
    p.tile_bytes = up((p.tile_rows * p.width + kPack - 1) / kPack * kPack * p.widest);
    p.rows_at = program_.num_tiles * p.tile_bytes;
    p.sums_at = p.rows_at + up(program_.num_rows * p.tile_rows * 8);
    p.num_sums = program_.num_columns;
    p.space = up(p.sums_at + p.num_sums * p.width * p.widest);
    const int64_t wanted = std::max<int64_t>(1, kTasks / p.pieces);
    p.chunk = p.num_sums == 0 ? 1 : (p.tiles + wanted - 1) / wanted;
    p.tasks = (p.tiles + p.chunk - 1) / p.chunk * p.pieces;
  }

  Ref where(int16_t r) const {
    if (r < 0) return {};
    const FusedRegister& reg = program_.registers[r];
    if (r < program_.num_inputs) return {Where::kInput, static_cast<int8_t>(r)};
    if (reg.extent == Extent::kRow) return {Where::kRow, static_cast<int8_t>(reg.slot)};
    return {Where::kTile, static_cast<int8_t>(program_.steps[r - program_.num_inputs].tile)};
  }

  // An output that lies where an input lies: full ones are written when a tile is done, row ones after the kernel.
  void describe_outputs(KernelContext& c, Program& p, std::vector<std::pair<int, Tensor>>& displaced) const {
    p.num_outputs = static_cast<int>(program_.results.size());
    bool overlap = false;
    for (int k = 0; k < p.num_outputs; ++k) {
      Tensor& out = c.output(k);
      const FusedRegister& r = program_.registers[program_.results[k]];
      bool over_input = false;
      for (int i = 0; i < p.num_inputs; ++i) over_input |= p.inputs[i].data == out.raw();
      overlap |= over_input && r.extent == Extent::kFull;
      p.outputs[k] = {out.raw(), where(program_.results[k]), r.type, r.extent, false};
      if (over_input && r.extent == Extent::kRow) {
        displaced.emplace_back(k, c.scratch(out.dtype(), out.shape()));
        p.outputs[k].data = displaced.back().second.raw();
      }
    }
    for (int k = 0; k < p.num_outputs; ++k) {
      const int step = program_.results[k] - program_.num_inputs;
      p.outputs[k].written = !overlap && step >= 0 && p.outputs[k].extent == Extent::kFull &&
                             program_.steps[static_cast<size_t>(step)].output == k;
    }
  }

  void describe_steps(Program& p) const {
    p.num_steps = static_cast<int>(program_.steps.size());
    for (int i = 0; i < p.num_steps; ++i) {
      const FusedStep& from = program_.steps[static_cast<size_t>(i)];
      const FusedRegister& r = result(static_cast<size_t>(i));
      Step& s = p.steps[i];
      s.kind = from.kind;
      s.type = from.type;
      s.to = r.type;
      s.extent = r.extent;
      s.mean = from.mean;
      s.function = from.function;
      s.a = where(from.a);
      s.b = where(from.b);
      s.c = where(from.c);
      s.tile = static_cast<uint8_t>(from.tile);
      s.slot = static_cast<uint8_t>(std::max<int16_t>(r.slot, 0));
      s.output = from.output >= 0 && p.outputs[from.output].written ? static_cast<int8_t>(from.output) : int8_t{-1};
      s.store = s.output < 0 || is_read(i + program_.num_inputs);
    }
  }
  bool is_read(int reg) const {
    for (const FusedStep& s : program_.steps)
      if (s.a == reg || s.b == reg || s.c == reg) return true;
    return std::count(program_.results.begin(), program_.results.end(), reg) > 1;
  }

  void describe_sums(KernelContext& c, Program& p, std::vector<Tensor>& scratch) const {
    for (const FusedRegister& r : program_.registers) {
      if (r.extent != Extent::kColumn && r.extent != Extent::kAll) continue;
      const int64_t chunks = p.tasks / p.pieces;
      scratch.push_back(c.scratch(r.type, r.extent == Extent::kColumn ? Shape{chunks, p.row} : Shape{p.tasks, 1}));
      p.partial[r.slot] = scratch.back().raw();
    }
  }

  void join(KernelContext& c, const Program& p, cudaStream_t s, int k) const {
    const FusedRegister& r = program_.registers[program_.results[static_cast<size_t>(k)]];
    if (r.extent != Extent::kColumn && r.extent != Extent::kAll) return;
    const FusedStep& step =
        program_.steps[static_cast<size_t>(program_.results[static_cast<size_t>(k)] - p.num_inputs)];
    const int64_t columns = r.extent == Extent::kColumn ? p.row : 1;
    const int64_t parts = r.extent == Extent::kColumn ? p.tasks / p.pieces : p.tasks;
    const auto typed = [&]<class T>(T) {
      const T* partial = static_cast<const T*>(p.partial[r.slot]);
      T* out = c.out<T>(k);
      const DivideBy mean{static_cast<double>(p.size / columns)};
      switch (static_cast<Reduction>(step.function)) {
        case Reduction::kProd:
          return reduce_middle<Reduction::kProd, T, T>(c, s, partial, out, 1, parts, columns);
        case Reduction::kMax:
          return reduce_middle<Reduction::kMax, T, T>(c, s, partial, out, 1, parts, columns);
        case Reduction::kMin:
          return reduce_middle<Reduction::kMin, T, T>(c, s, partial, out, 1, parts, columns);
        default:
          if (step.mean) return reduce_middle<Reduction::kSum, T, T>(c, s, partial, out, 1, parts, columns, mean);
          return reduce_middle<Reduction::kSum, T, T>(c, s, partial, out, 1, parts, columns);
      }
    };
    r.type == DType::kFloat ? typed(float{}) : typed(double{});
  }

  FusedSteps program_;
  Shape frame_;
  int64_t row_;
  bool reduces_rows_ = false, has_double_ = false;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_fused_cuda(Registry& r) {
  r.kernel<cuda::FusedKernel>("_FusedElementwise", DeviceKind::kCUDA, DType::kInvalid);
}

}  // namespace tfmini

// _FusedElementwise: a chain of elementwise functions, with reductions, in one pass over memory.
//
// The frame is walked in tiles small enough that all live registers stay in L1; each step runs its ordinary loop over
// one tile. A tile is a number of short rows, or one long row, or a piece of it: what is the same all along a long row
// is then a scalar. Reductions of rows are registers like others, so that a chain may go on with them; reductions of
// columns, or of everything, add up per chunk of tiles and are joined at the end. Tiles and chunks depend on sizes
// only.
#include "ops/fused.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "core/broadcast.h"
#include "core/elements.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/elementwise.h"
#include "ops/fused_steps.h"
#include "ops/fused_sums.h"

namespace tfmini {
namespace {

using Kind = FusedStep::Kind;

constexpr int64_t kCacheBytes = 16 << 10;  // the tiles of one thread; they fit L1 beside the streams
constexpr int64_t kMaxTile = 1024;         // elements: what is read ahead must still be in L1 when its turn comes
constexpr int64_t kLongRow = 512;          // shorter rows share a tile
constexpr int64_t kReadAhead = 256 << 10;  // bytes of inputs and outputs from which tiles are read ahead,
constexpr int64_t kMaxReadAhead = 8192;    // unless their elements are more than these
constexpr int64_t kCacheLine = 64;
constexpr int64_t kRowsPerChunk = 32;  // at least, where every chunk keeps a row of column sums
constexpr int kMaxRegisters = kMaxFusedInputs + kMaxFusedSteps;

int64_t aligned(int64_t bytes) { return (bytes + 63) & ~int64_t{63}; }

// `row` over and over.
void repeat(const char* row, int64_t row_bytes, char* out, int64_t bytes) {
  std::memcpy(out, row, static_cast<size_t>(row_bytes));
  for (int64_t done = row_bytes; done < bytes;) {
    const int64_t count = std::min(done, bytes - done);
    std::memcpy(out + done, out, static_cast<size_t>(count));
    done += count;
  }
}

struct FusedKernel {
  explicit FusedKernel(const Attrs& attrs) : program(attrs), frame(attrs.shape("frame")), row(attrs.integer("row")) {
    for (size_t i = 0; i < program.steps.size(); ++i)
      if (program.steps[i].kind == Kind::kReduce) {
        reduces_rows |= result(i).extent == Extent::kRow;
        reduces_columns |= result(i).extent == Extent::kColumn;
      }
  }
  void operator()(KernelContext& c) const;

  const FusedRegister& result(size_t step) const { return program.registers[program.num_inputs + step]; }

  FusedSteps program;
  Shape frame;
  int64_t row;  // columns of the frame; 0 where no reduction decides
  bool reduces_rows = false, reduces_columns = false;
};

// One call of the kernel.
class Run {
 public:
  Run(const FusedKernel& kernel, KernelContext& c)
      : k_(kernel), p_(kernel.program), c_(c), size_(kernel.frame.num_elements()) {
    read_inputs();
    plan_walk();
    place_outputs();
  }

  void operator()() {
    parallel_for((tiles_ + chunk_ - 1) / chunk_, 1, [this](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk) run_chunk(chunk);
    });
    finish();
  }

 private:
  struct Input {
    enum class Way { kDense, kScalar, kPerColumn, kPerRow, kScattered };
    Way way;
    int copy;  // its number among the inputs that are copied to a tile; -1: read in place
    const char* data;
    BroadcastInput shape;  // kPerColumn, kPerRow, kScattered
  };
  struct Tile {
    int64_t row, rows, column, width;
    int64_t size() const { return rows * width; }
  };
  struct Stream {  // what a tile takes from memory, or gives to it
    const char* data;
    int64_t size;  // bytes per element
    bool written;
  };
  struct Workspace {
    FusedValue values[kMaxRegisters];
    char *tiles, *copies, *rows, *columns;
    int64_t tile_bytes, row_bytes;
  };

  const FusedRegister& reg(int r) const { return p_.registers[r]; }

  void read_inputs() {
    row_ = k_.row;
    for (int i = 0; i < p_.num_inputs; ++i) {
      Input& in = inputs_[i];
      const Tensor& t = c_.input(i);
      const int64_t elements = t.num_elements();
      in.data = static_cast<const char*>(t.raw());
      in.copy = -1;
      in.way = elements == 1 ? Input::Way::kScalar : Input::Way::kDense;
      if (elements == 1 || elements == size_ || reg(i).extent == Extent::kRow) continue;
      in.way = Input::Way::kScattered;
      in.shape = BroadcastInput(t.shape(), k_.frame, reg(i).size);
      const bool matrix = in.shape.per_row() || in.shape.per_column();
      if (matrix && k_.row == 0) row_ = row_ == 0 ? in.shape.inner() : std::min(row_, in.shape.inner());
    }
    row_ = std::max<int64_t>(row_, 1);
    rows_ = size_ / row_;
    for (int i = 0; i < p_.num_inputs; ++i) {
      Input& in = inputs_[i];
      if (in.way != Input::Way::kScattered) continue;
      if (in.shape.inner() == row_ && in.shape.per_row()) in.way = Input::Way::kPerRow;
      if (in.shape.inner() == row_ && in.shape.per_column()) in.way = Input::Way::kPerColumn;
      if (in.way == Input::Way::kScattered || row_ < kLongRow) in.copy = copies_++;
    }
  }

  void plan_walk() {
    const int64_t live = std::max(1, p_.num_tiles + copies_) * p_.widest;
    const int64_t limit = std::clamp<int64_t>((kCacheBytes / live) & ~int64_t{63}, 64, kMaxTile);
    pieces_ = 1;
    tile_rows_ = row_ < kLongRow ? std::clamp<int64_t>(limit / row_, 1, rows_) : 1;
    if (row_ >= kLongRow && !k_.reduces_rows) pieces_ = (row_ + limit - 1) / limit;
    width_ = pieces_ == 1 ? row_ : ((row_ + pieces_ - 1) / pieces_ + 63) & ~int64_t{63};
    pieces_ = (row_ + width_ - 1) / width_;
    tiles_ = (rows_ + tile_rows_ - 1) / tile_rows_ * pieces_;
    for (int i = 0; i < p_.num_inputs; ++i)
      if (inputs_[i].way == Input::Way::kDense && reg(i).extent == Extent::kFull)
        streams_[num_streams_++] = {inputs_[i].data, reg(i).size, false};
    for (size_t k = 0; k < p_.results.size(); ++k)
      if (reg(p_.results[k]).extent == Extent::kFull)
        streams_[num_streams_++] = {static_cast<char*>(c_.output(static_cast<int>(k)).raw()), reg(p_.results[k]).size,
                                    true};
    size_t bytes = 0;
    for (int k = 0; k < num_streams_; ++k) bytes += static_cast<size_t>(streams_[k].size);
    reads_ahead_ = static_cast<int64_t>(bytes) * size_ >= kReadAhead && tile_rows_ * width_ <= kMaxReadAhead;
    chunk_ = std::max<int64_t>(1, elementwise_grain(p_.cost, bytes) / (tile_rows_ * width_));
    if (k_.reduces_columns) chunk_ = std::max(chunk_, (kRowsPerChunk + tile_rows_ - 1) / tile_rows_ * pieces_);
  }

  void place_outputs() {
    for (size_t k = 0; k < p_.results.size(); ++k) {
      Tensor& out = c_.output(static_cast<int>(k));
      outputs_[k] = static_cast<char*>(out.raw());
      bool over_input = false;
      for (int i = 0; i < p_.num_inputs; ++i) over_input |= inputs_[i].data == outputs_[k];
      const FusedRegister& r = reg(p_.results[k]);
      if (r.extent == Extent::kFull) overlap_ |= over_input;
      if (r.extent == Extent::kRow && over_input) {
        displaced_.emplace_back(static_cast<int>(k), c_.scratch(out.dtype(), out.shape()));
        outputs_[k] = static_cast<char*>(displaced_.back().second.raw());
      }
    }
    sums_.emplace(p_, c_, size_, row_, (tiles_ + chunk_ - 1) / chunk_);
  }

  void run_chunk(int64_t chunk) {
    alignas(64) char small[kCacheBytes + (8 << 10)];
    Workspace w;
    w.tile_bytes = aligned(tile_rows_ * width_ * p_.widest);
    w.row_bytes = aligned(tile_rows_ * 8);
    const int64_t row_space = p_.num_rows * w.row_bytes, column_space = k_.reduces_columns ? width_ * 8 : 0;
    const int64_t space = (p_.num_tiles + copies_) * w.tile_bytes + row_space + column_space;
    std::unique_ptr<char[]> large;
    if (space > static_cast<int64_t>(sizeof small)) large = std::make_unique_for_overwrite<char[]>(space + 64);
    w.tiles = large ? reinterpret_cast<char*>(aligned(reinterpret_cast<int64_t>(large.get()))) : small;
    w.copies = w.tiles + p_.num_tiles * w.tile_bytes;
    w.rows = w.copies + copies_ * w.tile_bytes;
    w.columns = w.rows + row_space;

    for (int i = 0; i < p_.num_inputs; ++i) {  // what is the same for every tile
      const Input& in = inputs_[i];
      w.values[i] = {in.data, in.way == Input::Way::kScalar};
      if (in.way != Input::Way::kPerColumn || in.copy < 0) continue;
      char* copy = w.copies + in.copy * w.tile_bytes;
      repeat(in.data, row_ * reg(i).size, copy, tile_rows_ * row_ * reg(i).size);
      w.values[i].data = copy;
    }
    sums_->clear(chunk);

    const int64_t end = std::min(tiles_, (chunk + 1) * chunk_);
    Tile tile = tile_at(chunk * chunk_);
    for (int64_t t = chunk * chunk_; t < end; ++t) {
      const Tile next = t + 1 < end ? tile_at(t + 1) : Tile{};
      run_tile(w, chunk, tile, next);
      tile = next;
    }
  }

  Tile tile_at(int64_t t) const {
    const int64_t row = t / pieces_ * tile_rows_, column = t % pieces_ * width_;
    return {row, std::min(tile_rows_, rows_ - row), column, std::min(width_, row_ - column)};
  }

  // One step reads from memory and one writes to it, and it would rest while the others work in cache: so each of a
  // tile's steps fetches a share of what the next tile needs.
  [[gnu::always_inline]] void read_ahead(const Tile& next, size_t step) const {
    const auto steps = static_cast<int64_t>(p_.steps.size()), i = static_cast<int64_t>(step);
    for (int k = 0; k < num_streams_; ++k) {
      const Stream& s = streams_[k];
      const int64_t bytes = next.size() * s.size;
      const char* data = s.data + (next.row * row_ + next.column) * s.size;
      const char* end = data + bytes * (i + 1) / steps;
      for (data += bytes * i / steps; data < end; data += kCacheLine)
        s.written ? __builtin_prefetch(data, 1) : __builtin_prefetch(data, 0);
    }
  }

  void run_tile(Workspace& w, int64_t chunk, const Tile& tile, const Tile& next) {
    const int64_t begin = tile.row * row_ + tile.column, n = tile.size();
    for (int i = 0; i < p_.num_inputs; ++i) read_tile(w, i, tile, begin, n);
    for (size_t i = 0; i < p_.steps.size(); ++i) {
      const FusedStep& s = p_.steps[i];
      const FusedRegister& r = k_.result(i);
      FusedValue& value = w.values[p_.num_inputs + i];
      if (reads_ahead_) read_ahead(next, i);
      char* spare = w.tiles + s.tile * w.tile_bytes;
      if (s.kind == Kind::kReduce) {
        value = {reduce(w, i, chunk, tile, spare), false};
      } else if (r.extent == Extent::kRow) {
        value = run_fused_step(s, w.values, w.rows + r.slot * w.row_bytes, tile.rows);
      } else {
        // A result goes straight to memory where nothing can be overwritten too early.
        char* out = s.output >= 0 && !overlap_ ? outputs_[s.output] + begin * r.size : spare;
        value = s.kind == Kind::kSpread ? spread_tile(w.values[s.a], out, tile, r.size)
                                        : run_fused_step(s, w.values, out, n);
      }
    }
    for (size_t k = 0; k < p_.results.size(); ++k) {
      const FusedRegister& r = reg(p_.results[k]);
      const FusedValue& v = w.values[p_.results[k]];
      if (r.extent == Extent::kFull) write(v, outputs_[k] + begin * r.size, n, r);
      if (r.extent == Extent::kRow && tile.column == 0) write(v, outputs_[k] + tile.row * r.size, tile.rows, r);
    }
  }

  void read_tile(Workspace& w, int i, const Tile& tile, int64_t begin, int64_t n) const {
    const Input& in = inputs_[i];
    const int64_t size = reg(i).size;
    char* copy = w.copies + in.copy * w.tile_bytes;
    switch (in.way) {
      case Input::Way::kScalar:
        break;
      case Input::Way::kDense:
        w.values[i].data = in.data + (reg(i).extent == Extent::kRow ? tile.row : begin) * size;
        break;
      case Input::Way::kPerColumn:
        if (in.copy < 0) w.values[i].data = in.data + tile.column * size;
        break;
      case Input::Way::kPerRow:
        w.values[i] = spread_tile({in.data + tile.row * size, false}, copy, tile, reg(i).size);
        break;
      case Input::Way::kScattered: {
        const auto span = in.shape.read(in.data, begin, n, copy);
        w.values[i] = {span.data, span.scalar};
        break;
      }
    }
  }

  // Within one row, one value serves.
  static FusedValue spread_tile(const FusedValue& x, char* out, const Tile& tile, int size) {
    if (x.scalar || tile.rows == 1) return {x.data, true};
    spread_rows(x.data, out, tile.rows, tile.width, size);
    return {out, false};
  }

  static void write(const FusedValue& v, char* out, int64_t n, const FusedRegister& r) {
    if (v.scalar)
      fill_fused(v.data, out, n, r.type);
    else if (v.data != out)
      std::memcpy(out, v.data, static_cast<size_t>(n * r.size));
  }

  // Reduces one tile; returns where the row register is.
  const void* reduce(Workspace& w, size_t step, int64_t chunk, const Tile& tile, char* spare) {
    const FusedRegister& r = k_.result(step);
    const FusedValue& x = w.values[p_.steps[step].a];
    const void* data = x.data;
    if (x.scalar) {
      fill_fused(x.data, spare, tile.rows * tile.width, r.type);
      data = spare;
    }
    char* row_sums = w.rows + r.slot * w.row_bytes;
    if (r.extent == Extent::kRow)
      sums_->reduce_rows(step, data, row_sums, tile.rows, tile.width);
    else
      sums_->add(step, chunk, tile.column, data, tile.rows, tile.width, w.columns);
    return row_sums;
  }

  void finish() {
    for (size_t k = 0; k < p_.results.size(); ++k) {
      const Extent extent = reg(p_.results[k]).extent;
      if (extent == Extent::kColumn || extent == Extent::kAll)
        sums_->finish(static_cast<size_t>(p_.results[k] - p_.num_inputs), outputs_[k]);
    }
    for (const auto& [k, t] : displaced_) std::memcpy(c_.output(k).raw(), t.raw(), t.bytes());
  }

  const FusedKernel& k_;
  const FusedSteps& p_;
  KernelContext& c_;
  const int64_t size_;                  // elements of the frame:
  int64_t rows_, row_;                  // rows x row
  int64_t tile_rows_, width_, pieces_;  // a tile; tiles in a row
  int64_t tiles_, chunk_;               // in all; per chunk
  Input inputs_[kMaxFusedInputs];
  int copies_ = 0;
  Stream streams_[kMaxFusedInputs + kMaxFusedOutputs];
  int num_streams_ = 0;
  bool reads_ahead_;
  char* outputs_[kMaxFusedOutputs];
  bool overlap_ = false;  // a full output lies where an input lies: tiles are written when done
  std::vector<std::pair<int, Tensor>> displaced_;  // row outputs that lie where an input lies
  std::optional<FusedSums> sums_;
};

void FusedKernel::operator()(KernelContext& c) const {
  if (frame.num_elements() == 0) return;
  if (frame.num_elements() > 1) return Run(*this, c)();
  FusedValue values[kMaxRegisters];
  alignas(64) char scratch[kMaxFusedSteps * 8];
  const int inputs = program.num_inputs;
  for (int i = 0; i < inputs; ++i) values[i] = {c.input(i).raw(), true};
  for (size_t i = 0; i < program.steps.size(); ++i)
    values[inputs + i] = run_fused_step(program.steps[i], values, scratch + 8 * i, 1);
  for (size_t k = 0; k < program.results.size(); ++k) {
    const int16_t r = program.results[k];
    std::memcpy(c.output(static_cast<int>(k)).raw(), values[r].data, static_cast<size_t>(program.registers[r].size));
  }
}

void fused_shape(InferContext& c) {
  const auto& shapes = c.attrs().get<std::vector<Shape>>("shapes");
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, shapes[i]);
}

}  // namespace

void register_fused(Registry& r) {
  OpBuilder op = r.op("_FusedElementwise");
  op.input("inputs: Tin")
      .output("outputs: Tout")
      .attr("Tin: list(type)")
      .attr("Tout: list(type)")
      .attr("shapes: list(shape)")
      .attr("frame: shape")
      .attr("row: int")
      .attr("row_inputs: list(int)")
      .attr("program: list(int)")
      .attr("results: list(int)")
      .shape(fused_shape);
  for (int i = 0; i < kMaxFusedInputs; ++i)
    for (int k = 0; k < kMaxFusedOutputs; ++k) op.in_place(i, k);
  r.kernel<FusedKernel>("_FusedElementwise", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini

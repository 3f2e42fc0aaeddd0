// Fused programs on the device: what a kernel is told of them, and how a thread runs a step on a pack of elements.
//
// Registers with a value per element are tiles in the block's memory, in which every pack of kPack elements has a place
// of its own whatever its type: a thread's packs are its own, and steps need no barrier between them.
#pragma once

#include <cuda_runtime.h>

#include "core/elementwise.cuh"
#include "ops/fused_steps.h"
#include "simd/cast_one.h"

namespace tfmini::cuda {

inline constexpr int kPack = 4;

// Where a register is.
struct Ref {
  enum class Where : int8_t { kNone, kInput, kTile, kRow };
  Where where = Where::kNone;
  int8_t index = 0;  // of the input, the tile, the row register
};

struct Step {
  FusedStep::Kind kind;
  DType type, to;
  Extent extent;
  bool mean;
  bool store;     // somebody reads the result from its tile
  int8_t output;  // full results go to this output at once; -1: none
  uint8_t tile;   // of a full result
  uint8_t slot;   // of any other
  int16_t function;
  Ref a, b, c;
};

struct Output {
  void* data;
  Ref ref;
  DType type;
  Extent extent;
  bool written;  // by its step
};

struct Program {
  int64_t size, rows, row;           // the frame
  int64_t tile_rows, width, pieces;  // a tile; tiles in a row
  int64_t tiles, chunk, tasks;       // rows of tiles; of them per task; tasks = chunks * pieces
  int num_steps, num_inputs, num_outputs, num_sums;
  int widest;                                   // bytes per element of a tile
  int64_t tile_bytes, rows_at, sums_at, space;  // the block's memory: tiles, row registers, sums
  char* memory;                                 // of all blocks, where it does not fit on the chip
  Operand inputs[kMaxFusedInputs];
  bool row_input[kMaxFusedInputs];
  Output outputs[kMaxFusedOutputs];
  Step steps[kMaxFusedSteps];
  void* partial[kMaxFusedOutputs];  // per reduction of columns or all
};

// The tile a block is at.
struct Tile {
  const Program& p;
  char* memory;
  int64_t first_row, rows, width, begin, n;

  __device__ __forceinline__ char* pack(int tile, int64_t k) const {
    return memory + tile * p.tile_bytes + k * kPack * p.widest;
  }
  template <class T>
  __device__ __forceinline__ T* row_values(int slot) const {
    return reinterpret_cast<T*>(memory + p.rows_at + slot * p.tile_rows * 8);
  }
  template <class T>
  __device__ __forceinline__ T row_value(Ref r, int64_t row) const {
    if (r.where == Ref::Where::kRow) return row_values<T>(r.index)[row];
    const Operand& in = p.inputs[r.index];
    return static_cast<const T*>(in.data)[in.way == Operand::Way::kScalar ? 0 : first_row + row];
  }
  // Elements k * kPack ...
  template <class T>
  __device__ __forceinline__ void load(Ref r, int64_t k, T (&v)[kPack]) const {
    if (r.where == Ref::Where::kTile) {
      const auto pack_ = *reinterpret_cast<const Pack<T, kPack>*>(pack(r.index, k));
#pragma unroll
      for (int i = 0; i < kPack; ++i) v[i] = pack_.v[i];
    } else if (r.where == Ref::Where::kInput) {
      p.inputs[r.index].load<kPack>(begin + k * kPack, n - k * kPack, v, begin % kPack == 0);
    }
  }
  // One element, perhaps of another thread's pack.
  template <class T>
  __device__ __forceinline__ T element(Ref r, int64_t e) const {
    if (r.where == Ref::Where::kTile) return reinterpret_cast<const T*>(pack(r.index, e / kPack))[e % kPack];
    const Operand& in = p.inputs[r.index];
    const T* x = static_cast<const T*>(in.data);
    return in.way == Operand::Way::kScalar  ? *x
           : in.way == Operand::Way::kDense ? x[begin + e]
                                            : x[in.shape.index(begin + e)];
  }
};

namespace steps {
using namespace simd;

// Functions of many instructions are called, not repeated for every element and type.
template <class F, class T>
__device__ __attribute__((noinline)) auto called(T x) {
  return F::run(x);
}
template <class F, class T>
__device__ __attribute__((noinline)) auto called(T x, T y) {
  return F::run(x, y);
}
inline constexpr double kCallFrom = 1.0;

TFMINI_ALL_UNARY(TFMINI_CUDA_UNARY)
TFMINI_ALL_BINARY(TFMINI_CUDA_BINARY)

template <class F, class T>
inline constexpr bool kHas = (F::kTypes & mask_of(dtype_of<T>)) != 0;

// Values go to v, truths to t.
template <class T>
__device__ __forceinline__ void put(T x, T& v, bool&) {
  v = x;
}
template <class T>
  requires(!std::is_same_v<T, bool>)
__device__ __forceinline__ void put(bool x, T&, bool& t) {
  t = x;
}

template <class F, bool kCall, class T>
__device__ __forceinline__ void unary_pack(const T (&a)[kPack], T (&v)[kPack], bool (&t)[kPack]) {
  if constexpr (kHas<F, T>) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      if constexpr (kCall || (std::is_same_v<T, double>))
        put(called<F>(a[i]), v[i], t[i]);
      else
        put(F::run(a[i]), v[i], t[i]);
    }
  }
}
template <class F, bool kCall, class T>
__device__ __forceinline__ void binary_pack(const T (&a)[kPack], const T (&b)[kPack], T (&v)[kPack], bool (&t)[kPack]) {
  if constexpr (kHas<F, T> && !(F::kChecked && std::is_integral_v<T>)) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      if constexpr (kCall)
        put(called<F>(a[i], b[i]), v[i], t[i]);
      else
        put(F::run(a[i], b[i]), v[i], t[i]);
    }
  }
}

template <class T>
__device__ __forceinline__ void unary(int function, const T (&a)[kPack], T (&v)[kPack], bool (&t)[kPack]) {
  switch (static_cast<Unary>(function)) {
#define TFMINI_CASE(Name, types, cost, ...)         \
  case Unary::k##Name:                              \
    unary_pack<Name, (cost >= kCallFrom)>(a, v, t); \
    break;
    TFMINI_ALL_UNARY(TFMINI_CASE)
#undef TFMINI_CASE
    default:
      break;
  }
}
template <class T>
__device__ __forceinline__ void binary(int function, const T (&a)[kPack], const T (&b)[kPack], T (&v)[kPack],
                                       bool (&t)[kPack]) {
  switch (static_cast<Binary>(function)) {
#define TFMINI_CASE(Name, types, cost, ...)             \
  case Binary::k##Name:                                 \
    binary_pack<Name, (cost >= kCallFrom)>(a, b, v, t); \
    break;
    TFMINI_ALL_BINARY(TFMINI_CASE)
#undef TFMINI_CASE
    default:
      break;
  }
}

}  // namespace steps

// Calls fn(std::type_identity<T>) for the types of registers; kDouble: for programs that have doubles at all, for their
// functions take many registers.
template <bool kDouble, class Fn>
__device__ __forceinline__ void with_register_type(DType type, const Fn& fn) {
  switch (type) {
    case DType::kFloat:
      return fn(std::type_identity<float>{});
    case DType::kInt32:
      return fn(std::type_identity<int32_t>{});
    case DType::kInt64:
      return fn(std::type_identity<int64_t>{});
    case DType::kBool:
      return fn(std::type_identity<bool>{});
    default:
      if constexpr (kDouble) fn(std::type_identity<double>{});
  }
}

}  // namespace tfmini::cuda

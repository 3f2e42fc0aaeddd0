// The kernel that interprets a fused program: what a block does with its tiles.
#pragma once

#include "core/reduce.cuh"
#include "ops/fused_steps.cuh"

namespace tfmini::cuda {

using Kind = FusedStep::Kind;

template <class T>
__device__ __forceinline__ T combine_as(Reduction op, T a, T b) {
  switch (op) {
    case Reduction::kProd:
      return combine<Reduction::kProd>(a, b);
    case Reduction::kMax:
      return combine<Reduction::kMax>(a, b);
    case Reduction::kMin:
      return combine<Reduction::kMin>(a, b);
    default:
      return combine<Reduction::kSum>(a, b);
  }
}
template <class T>
__device__ __forceinline__ T identity_as(Reduction op) {
  switch (op) {
    case Reduction::kProd:
      return identity_of<Reduction::kProd, T>();
    case Reduction::kMax:
      return identity_of<Reduction::kMax, T>();
    case Reduction::kMin:
      return identity_of<Reduction::kMin, T>();
    default:
      return T(0);
  }
}
template <class T>
__device__ __forceinline__ T warp_combine(Reduction op, T x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x = combine_as(op, x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}

// Elements [0, length) of every row, by a warp each, or by several where there are few rows. All threads call it; the
// row registers may be read afterwards.
template <class T>
__device__ void reduce_tile_rows(const Tile& t, const Step& s, T* out) {
  constexpr int kWarps = kThreads / 32;
  __shared__ T partial[kWarps];
  const auto op = static_cast<Reduction>(s.function);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  int share = 1;  // warps per row
  while (share * 2 * t.rows <= kWarps) share *= 2;
  __syncthreads();  // the operand is complete
  for (int64_t r = warp / share; r < t.rows; r += kWarps / share) {
    T x = identity_as<T>(op);
    for (int64_t i = warp % share * 32 + lane; i < t.width; i += share * 32)
      x = combine_as(op, x, t.element<T>(s.a, r * t.width + i));
    x = warp_combine(op, x);
    if (lane == 0 && share > 1) partial[warp] = x;
    if (lane == 0 && share == 1) out[r] = s.mean ? x / static_cast<T>(t.width) : x;
  }
  if (share > 1) {
    __syncthreads();
    if (threadIdx.x < t.rows) {
      T x = partial[threadIdx.x * share];
      for (int k = 1; k < share; ++k) x = combine_as(op, x, partial[threadIdx.x * share + k]);
      out[threadIdx.x] = s.mean ? x / static_cast<T>(t.width) : x;
    }
  }
  __syncthreads();
}

// Adds a tile to the task's sums, one per column or one for all.
template <class T>
__device__ void reduce_tile_columns(const Tile& t, const Step& s, T* sums) {
  const auto op = static_cast<Reduction>(s.function);
  __syncthreads();
  if (s.extent == Extent::kColumn) {
    for (int64_t i = threadIdx.x; i < t.width; i += kThreads) {
      T x = sums[i];
      for (int64_t r = 0; r < t.rows; ++r) x = combine_as(op, x, t.element<T>(s.a, r * t.width + i));
      sums[i] = x;
    }
    __syncthreads();
    return;
  }
  __shared__ T partial[kThreads / 32];
  T x = identity_as<T>(op);
  for (int64_t e = threadIdx.x; e < t.n; e += kThreads) x = combine_as(op, x, t.element<T>(s.a, e));
  x = warp_combine(op, x);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = x;
  __syncthreads();
  if (threadIdx.x == 0)
    for (T y : partial) sums[0] = combine_as(op, sums[0], y);
  __syncthreads();
}

template <class T>
__device__ __forceinline__ void store_result(const Tile& t, const Step& s, int64_t k, const T (&v)[kPack]) {
  if (s.store) {
    Pack<T, kPack> pack;
#pragma unroll
    for (int i = 0; i < kPack; ++i) pack.v[i] = v[i];
    *reinterpret_cast<Pack<T, kPack>*>(t.pack(s.tile, k)) = pack;
  }
  if (s.output >= 0) {
    T* out = static_cast<T*>(t.p.outputs[s.output].data) + t.begin;
    store_pack<kPack>(out + k * kPack, t.n - k * kPack, is_aligned<kPack>(out), v);
  }
}

// `load(ref, v)` reads operands, `store(v)` takes results: of a pack, or of a row.
template <bool kDouble, class T, class Load, class Store>
__device__ __forceinline__ void run_step(const Step& s, const Load& load, const Store& store) {
  T a[kPack] = {}, b[kPack] = {}, v[kPack] = {};
  bool truth[kPack] = {};
  bool is_truth = false;
  switch (s.kind) {
    case Kind::kUnary:
      load(s.a, a);
      steps::unary(s.function, a, v, truth);
      is_truth = s.to == DType::kBool;
      break;
    case Kind::kBinary:
      load(s.a, a);
      load(s.b, b);
      steps::binary(s.function, a, b, v, truth);
      is_truth = s.to == DType::kBool;
      break;
    case Kind::kSelect:
      load(s.a, truth);
      load(s.b, a);
      load(s.c, b);
#pragma unroll
      for (int i = 0; i < kPack; ++i) v[i] = truth[i] ? a[i] : b[i];
      break;
    case Kind::kCast:
      load(s.a, a);
      return with_register_type<kDouble>(s.to, [&]<class To>(std::type_identity<To>) {
        To out[kPack];
#pragma unroll
        for (int i = 0; i < kPack; ++i) out[i] = simd::cast_one<To>(a[i]);
        store(out);
      });
    default:
      return;
  }
  if constexpr (!std::is_same_v<T, bool>)
    if (is_truth) return store(truth);
  store(v);
}

template <bool kDouble, class T>
__device__ void run_full_step(const Tile& t, const Step& s) {
  for (int64_t k = threadIdx.x; k * kPack < t.n; k += kThreads) {
    if (s.kind == Kind::kSpread) {
      T v[kPack];
#pragma unroll
      for (int i = 0; i < kPack; ++i) {
        const int64_t e = k * kPack + i;
        v[i] = t.row_value<T>(s.a, (e < t.n ? e : t.n - 1) / t.width);
      }
      store_result(t, s, k, v);
    } else {
      run_step<kDouble, T>(
          s, [&](Ref r, auto& v) { t.load(r, k, v); }, [&](const auto& v) { store_result(t, s, k, v); });
    }
  }
}

// A step on registers with a value per row.
template <bool kDouble, class T>
__device__ void run_row_step(const Tile& t, const Step& s) {
  for (int64_t r = threadIdx.x; r < t.rows; r += kThreads)
    run_step<kDouble, T>(
        s, [&](Ref ref, auto& v) { v[0] = t.row_value<std::remove_reference_t<decltype(v[0])>>(ref, r); },
        [&](const auto& v) {
          using R = std::remove_cvref_t<decltype(v[0])>;
          t.row_values<R>(s.slot)[r] = v[0];
        });
  __syncthreads();
}

template <bool kDouble>
__device__ void run_tile(const Tile& t) {
  const Program& p = t.p;
  for (int i = 0; i < p.num_steps; ++i) {
    const Step& s = p.steps[i];
    with_register_type<kDouble>(s.type, [&]<class T>(std::type_identity<T>) {
      if (s.kind != Kind::kReduce) {
        s.extent == Extent::kRow ? run_row_step<kDouble, T>(t, s) : run_full_step<kDouble, T>(t, s);
      } else if constexpr (std::is_floating_point_v<T>) {
        if (s.extent == Extent::kRow)
          reduce_tile_rows<T>(t, s, t.row_values<T>(s.slot));
        else
          reduce_tile_columns<T>(t, s, reinterpret_cast<T*>(t.memory + p.sums_at + s.slot * p.width * p.widest));
      }
    });
  }
  for (int k = 0; k < p.num_outputs; ++k) {
    const Output& o = p.outputs[k];
    if (o.written || (o.extent != Extent::kFull && o.extent != Extent::kRow)) continue;
    with_register_type<kDouble>(o.type, [&]<class T>(std::type_identity<T>) {
      if (o.extent == Extent::kRow) {
        for (int64_t r = threadIdx.x; r < t.rows; r += kThreads)
          static_cast<T*>(o.data)[t.first_row + r] = t.row_value<T>(o.ref, r);
        return;
      }
      T* out = static_cast<T*>(o.data) + t.begin;
      for (int64_t j = threadIdx.x; j * kPack < t.n; j += kThreads) {
        T v[kPack];
        t.load(o.ref, j, v);
        store_pack<kPack>(out + j * kPack, t.n - j * kPack, is_aligned<kPack>(out), v);
      }
    });
  }
}

// The task's sums before its first tile, or to memory after its last.
template <bool kDouble>
__device__ void each_sum(const Program& p, char* memory, int64_t task, bool clear) {
  const int64_t chunk = task / p.pieces, piece = task % p.pieces;
  __syncthreads();
  for (int i = 0; i < p.num_steps; ++i) {
    const Step& s = p.steps[i];
    if (s.kind != Kind::kReduce || s.extent == Extent::kRow) continue;
    with_register_type<kDouble>(s.type, [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_floating_point_v<T>) {
        T* sums = reinterpret_cast<T*>(memory + p.sums_at + s.slot * p.width * p.widest);
        T* partial = static_cast<T*>(p.partial[s.slot]);
        const bool all = s.extent == Extent::kAll;
        const int64_t n = all ? 1 : min(p.width, p.row - piece * p.width);
        partial += all ? task : chunk * p.row + piece * p.width;
        for (int64_t j = threadIdx.x; j < n; j += kThreads) {
          if (clear)
            sums[j] = identity_as<T>(static_cast<Reduction>(s.function));
          else
            partial[j] = sums[j];
        }
      }
    });
  }
  __syncthreads();
}

template <bool kDouble>
__global__ void __launch_bounds__(kThreads) run_program(const __grid_constant__ Program p) {
  char* memory = p.memory ? p.memory + blockIdx.x * p.space : dynamic_shared<char>();
  for (int64_t task = blockIdx.x; task < p.tasks; task += gridDim.x) {
    const int64_t chunk = task / p.pieces, piece = task % p.pieces;
    if (p.num_sums) each_sum<kDouble>(p, memory, task, true);
    const int64_t end = min((chunk + 1) * p.chunk, p.tiles);
    for (int64_t tile = chunk * p.chunk; tile < end; ++tile) {
      const int64_t row = tile * p.tile_rows, rows = min(p.tile_rows, p.rows - row);
      const int64_t column = piece * p.width, width = min(p.width, p.row - column);
      run_tile<kDouble>(Tile{p, memory, row, rows, width, row * p.row + column, rows * width});
      __syncthreads();
    }
    if (p.num_sums) each_sum<kDouble>(p, memory, task, false);
  }
}

}  // namespace tfmini::cuda

// The instructions that only sm_90a has, one small function each: warpgroup products of matrices in shared memory, and
// the copy engine that brings tiles there. sim/hopper.h is the simulator's version.
#pragma once

#include "core/ptx.cuh"

namespace tfmini::cuda {

// A matrix in device memory as the copy engine knows it (the driver's CUtensorMap).
struct alignas(64) TensorMap {
  unsigned char bytes[128];
};

enum class TensorElement { kBFloat16, kHalf, kTF32 };  // TF32: floats, rounded on the way

// [batch, rows, cols] in memory and the box [1, box_rows, 128 bytes] that is copied at a time, with the 128-byte
// swizzle; what a box has outside of the matrix is zero. Strides are in bytes, multiples of 16, as is the address.
struct TensorShape {
  TensorElement element;
  const void* data;
  int64_t cols, rows, batch, row_stride, batch_stride;
  int box_rows;
};
// False if the driver has no such thing or refuses.
bool encode_tensor_map(TensorMap* map, const TensorShape& shape);

}  // namespace tfmini::cuda

#if defined(TFMINI_CUDA_SIM)
#include "sim/hopper.h"
#else

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define TFMINI_SM90A 1
#endif

namespace tfmini::cuda {

// --- barriers in shared memory ---------------------------------------------------------------------
// A barrier's phase ends when `count` arrivals and all bytes that were announced are there. Waiting for parity p ends
// with the end of a phase of that parity; a new barrier is in phase 0, and what was before it had parity 1.
__device__ __forceinline__ void barrier_init(SharedAddress barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
// Makes new barriers known to the copy engine; other threads need a __syncthreads after this.
__device__ __forceinline__ void barrier_fence() {
#if defined(TFMINI_SM90A)
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
__device__ __forceinline__ void barrier_arrive(SharedAddress barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
// Arrives, and announces bytes that the copy engine will bring.
__device__ __forceinline__ void barrier_expect(SharedAddress barrier, int bytes) {
#if defined(TFMINI_SM90A)
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
#endif
}
__device__ __forceinline__ void barrier_wait(SharedAddress barrier, uint32_t parity) {
#if defined(TFMINI_SM90A)
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra there;\n"
      "bra again;\n"
      "there:\n"
      "}" ::"r"(barrier),
      "r"(parity)
      : "memory");
#endif
}

// --- clusters: blocks that see each other's shared memory ------------------------------------------------
__device__ __forceinline__ int cluster_rank() {
  uint32_t rank = 0;
#if defined(TFMINI_SM90A)
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return static_cast<int>(rank);
}
// __syncthreads of a cluster; threads that have left are not waited for.
__device__ __forceinline__ void cluster_sync() {
#if defined(TFMINI_SM90A)
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}
// Arrives at the barrier that lies at the same place of block `rank`.
__device__ __forceinline__ void barrier_arrive_at(SharedAddress barrier, int rank) {
#if defined(TFMINI_SM90A)
  asm volatile(
      "{\n"
      ".reg .b32 remote;\n"
      "mapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote];\n"
      "}" ::"r"(barrier),
      "r"(rank)
      : "memory");
#endif
}

// What this thread stored or copied to shared memory so far is seen by wgmma of threads that come after a barrier.
__device__ __forceinline__ void fence_async() {
#if defined(TFMINI_SM90A)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// --- the copy engine --------------------------------------------------------------------------------
__device__ __forceinline__ void prefetch_tensor_map(const TensorMap* map) {
#if defined(TFMINI_SM90A)
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
#endif
}
// Starts the copy of the box at (col, row, batch); the barrier counts its bytes.
__device__ __forceinline__ void copy_box(SharedAddress to, const TensorMap* map, SharedAddress barrier, int col,
                                         int row, int batch) {
#if defined(TFMINI_SM90A)
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::
          "r"(to),
      "l"(map), "r"(barrier), "r"(col), "r"(row), "r"(batch)
      : "memory");
#endif
}

// The same to this place of every block in `blocks`, a bit per rank; the barrier at this place of each counts its own.
__device__ __forceinline__ void copy_box_to_all(SharedAddress to, const TensorMap* map, SharedAddress barrier, int col,
                                                int row, int batch, uint16_t blocks) {
#if defined(TFMINI_SM90A)
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(to),
      "l"(map), "r"(barrier), "r"(col), "r"(row), "r"(batch), "h"(blocks)
      : "memory");
#endif
}

// --- warpgroup products -----------------------------------------------------------------------------
// Registers of the calling warpgroup from here on; all its warps call this.
template <int kRegisters>
__device__ __forceinline__ void give_registers() {
#if defined(TFMINI_SM90A)
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}
template <int kRegisters>
__device__ __forceinline__ void take_registers() {
#if defined(TFMINI_SM90A)
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

// An operand in shared memory with the 128-byte swizzle, at a multiple of 16 bytes of a tile that begins at a multiple
// of 1024. Along k: rows of 128 bytes, `group` bytes from eight rows to the next eight. Else: rows (of one k) of 128
// bytes, `group` bytes from eight of them to the next eight, `chunk` bytes from 64 elements to the next 64.
__device__ __forceinline__ uint64_t matrix_descriptor(SharedAddress at, int chunk, int group) {
  return static_cast<uint64_t>((at & 0x3ffff) >> 4) | static_cast<uint64_t>(chunk >> 4) << 16 |
         static_cast<uint64_t>(group >> 4) << 32 | uint64_t{1} << 62;
}

// Names and operands of the registers with a warpgroup's sums, for 128 and for 256 columns.
#define TFMINI_D64                                                                   \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define TFMINI_D128                                                                              \
  TFMINI_D64                                                                                     \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "           \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define TFMINI_F8(i)                                                                                          \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define TFMINI_F64(i)                                                                                         \
  TFMINI_F8(i), TFMINI_F8(i + 8), TFMINI_F8(i + 16), TFMINI_F8(i + 24), TFMINI_F8(i + 32), TFMINI_F8(i + 40), \
      TFMINI_F8(i + 48), TFMINI_F8(i + 56)
// Descriptors are the next two operands, the flags of 16-bit types the two after that. The predicate: sums are added
// to.
#define TFMINI_WGMMA(shape, registers, operands) \
  "{\n.reg .pred p;\nsetp.ne.b32 p, 1, 0;\nwgmma.mma_async.sync.aligned." shape " {" registers "}, " operands ";\n}"

// Sums d[64, kN] += a b of a warpgroup that go on while the threads do other things. Lane l of warp w holds, in
// d[4 j] on, columns 8 j + 2 (l % 4) and the next one of row 16 w + l / 4, then of the row eight further down.
template <int kN>
class WarpgroupMma {
 public:
  using Sums = float[kN / 2];
  static_assert(kN == 128 || kN == 256);

  // Before the products of a group: registers and shared memory are as the thread left them.
  __device__ __forceinline__ void begin() {
#if defined(TFMINI_SM90A)
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
  }
  // 32 bytes along k. kAByK, kBByK: how the operands lie (32-bit elements: along k only).
  template <class T, bool kAByK, bool kBByK>
  __device__ __forceinline__ void multiply(Sums& d, uint64_t a, uint64_t b) {
#if defined(TFMINI_SM90A)
    static_assert(sizeof(T) == 2 || (kAByK && kBByK));
    if constexpr (kN == 128) {
      if constexpr (sizeof(T) == 4)
        asm volatile(TFMINI_WGMMA("m64n128k8.f32.tf32.tf32", TFMINI_D64, "%64, %65, p, 1, 1")
                     : TFMINI_F64(0)
                     : "l"(a), "l"(b));
      else if constexpr (std::is_same_v<T, Half>)
        asm volatile(TFMINI_WGMMA("m64n128k16.f32.f16.f16", TFMINI_D64, "%64, %65, p, 1, 1, %66, %67")
                     : TFMINI_F64(0)
                     : "l"(a), "l"(b), "n"(!kAByK), "n"(!kBByK));
      else
        asm volatile(TFMINI_WGMMA("m64n128k16.f32.bf16.bf16", TFMINI_D64, "%64, %65, p, 1, 1, %66, %67")
                     : TFMINI_F64(0)
                     : "l"(a), "l"(b), "n"(!kAByK), "n"(!kBByK));
    } else {
      if constexpr (sizeof(T) == 4)
        asm volatile(TFMINI_WGMMA("m64n256k8.f32.tf32.tf32", TFMINI_D128, "%128, %129, p, 1, 1")
                     : TFMINI_F64(0), TFMINI_F64(64)
                     : "l"(a), "l"(b));
      else if constexpr (std::is_same_v<T, Half>)
        asm volatile(TFMINI_WGMMA("m64n256k16.f32.f16.f16", TFMINI_D128, "%128, %129, p, 1, 1, %130, %131")
                     : TFMINI_F64(0), TFMINI_F64(64)
                     : "l"(a), "l"(b), "n"(!kAByK), "n"(!kBByK));
      else
        asm volatile(TFMINI_WGMMA("m64n256k16.f32.bf16.bf16", TFMINI_D128, "%128, %129, p, 1, 1, %130, %131")
                     : TFMINI_F64(0), TFMINI_F64(64)
                     : "l"(a), "l"(b), "n"(!kAByK), "n"(!kBByK));
    }
#endif
  }
  __device__ __forceinline__ void commit() {
#if defined(TFMINI_SM90A)
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
  }
  // Until all groups but the last kPending are done.
  template <int kPending>
  __device__ __forceinline__ void wait() {
#if defined(TFMINI_SM90A)
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
  }
  // Keeps the compiler from moving uses of the sums across this point.
  __device__ __forceinline__ void hold(Sums& d) {
#pragma unroll
    for (float& x : d) asm volatile("" : "+f"(x)::"memory");
  }
};
#undef TFMINI_D64
#undef TFMINI_D128
#undef TFMINI_F8
#undef TFMINI_F64
#undef TFMINI_WGMMA

}  // namespace tfmini::cuda

#endif

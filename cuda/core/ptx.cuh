// The instructions of tensor cores and of copies around the registers, one small function each. The simulator has its
// own version of this file (sim/ptx.h), which follows the documented layouts of fragments.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/half.h"

#if defined(TFMINI_CUDA_SIM)
#include "sim/ptx.h"
#else

namespace tfmini::cuda {

// An address within shared memory.
using SharedAddress = uint32_t;
__device__ __forceinline__ SharedAddress shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
__device__ __forceinline__ uint32_t load_shared(SharedAddress at) {
  uint32_t v;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(v) : "r"(at));
  return v;
}
__device__ __forceinline__ void store_shared(SharedAddress at, uint16_t v) {
  asm volatile("st.shared.b16 [%0], %1;" ::"r"(at), "h"(v) : "memory");
}

// Copies to shared memory that the thread does not wait for until it says so, in groups.
class CopyGroups {
 public:
  // kBytes (4 or 16) from `from`, or zeros where there is nothing; `anything` is some valid address.
  template <int kBytes>
  __device__ __forceinline__ void copy(SharedAddress to, const void* from, const void* anything) {
    const uint32_t bytes = from ? kBytes : 0;
    const void* source = from ? from : anything;
    if constexpr (kBytes == 16)
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(source), "r"(bytes) : "memory");
    else
      asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(source), "r"(bytes) : "memory");
  }
  __device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  // Until all groups but the last kPending are there. Other threads need a barrier after this.
  template <int kPending>
  __device__ __forceinline__ void wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
  }
};

// Four 8 x 8 matrices of 16-bit elements, or 8 x 4 of 32-bit ones; lanes 8q to 8q + 7 give the addresses of the rows
// of matrix q. Lane l gets 4 bytes of row l / 4; transposed: elements 2 (l % 4) and the next one of column l / 4.
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row));
}
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&r)[4], SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row));
}

// The nearest of the numbers whose last 13 bits are zero, as tensor cores take them.
__device__ __forceinline__ uint32_t round_to_tf32(uint32_t v) {
  uint32_t out;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(out) : "f"(__uint_as_float(v)));
  return out;
}

// d[16, 8], four sums of a lane, += a[16, 32 bytes] b[32 bytes, 8], T = BFloat16, Half or float (rounded to TF32).
template <class T>
__device__ __forceinline__ void mma(float* d, const uint32_t (&a)[4], const uint32_t (&b)[2]);
#define TFMINI_MMA(T, shape)                                                                                  \
  template <>                                                                                                 \
  __device__ __forceinline__ void mma<T>(float* d, const uint32_t (&a)[4], const uint32_t (&b)[2]) {          \
    asm volatile("mma.sync.aligned." shape " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                             \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                         \
  }
TFMINI_MMA(BFloat16, "m16n8k16.row.col.f32.bf16.bf16.f32")
TFMINI_MMA(Half, "m16n8k16.row.col.f32.f16.f16.f32")
TFMINI_MMA(float, "m16n8k8.row.col.f32.tf32.tf32.f32")
#undef TFMINI_MMA

// Two floats rounded to 16 bits, the first in the lower half.
template <class T>
__device__ __forceinline__ uint32_t pack2(float low, float high);
template <>
__device__ __forceinline__ uint32_t pack2<BFloat16>(float low, float high) {
  uint32_t v;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
  return v;
}
template <>
__device__ __forceinline__ uint32_t pack2<Half>(float low, float high) {
  uint32_t v;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
  return v;
}

}  // namespace tfmini::cuda

#endif

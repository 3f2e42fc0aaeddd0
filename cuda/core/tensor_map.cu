// The driver's tensor maps. The driver is not linked: its function is looked up when first wanted.
#include "core/hopper.cuh"

#if !defined(TFMINI_CUDA_SIM)
#include <cuda.h>

namespace tfmini::cuda {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

Encode encode_function() {
  static const Encode function = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &result);
    if (error != cudaSuccess) cudaGetLastError();
    return error == cudaSuccess && result == cudaDriverEntryPointSuccess ? reinterpret_cast<Encode>(found) : nullptr;
  }();
  return function;
}

CUtensorMapDataType data_type(TensorElement element) {
  if (element == TensorElement::kBFloat16) return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  return element == TensorElement::kHalf ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_TFLOAT32;
}

}  // namespace

bool encode_tensor_map(TensorMap* map, const TensorShape& s) {
  static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));
  const Encode encode = encode_function();
  if (!encode) return false;
  const cuuint64_t sizes[3] = {static_cast<cuuint64_t>(s.cols), static_cast<cuuint64_t>(s.rows),
                               static_cast<cuuint64_t>(s.batch)};
  const cuuint64_t strides[2] = {static_cast<cuuint64_t>(s.row_stride), static_cast<cuuint64_t>(s.batch_stride)};
  const cuuint32_t box[3] = {s.element == TensorElement::kTF32 ? 32u : 64u, static_cast<cuuint32_t>(s.box_rows), 1};
  const cuuint32_t steps[3] = {1, 1, 1};
  return encode(reinterpret_cast<CUtensorMap*>(map), data_type(s.element), 3, const_cast<void*>(s.data), sizes, strides,
                box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

}  // namespace tfmini::cuda
#endif

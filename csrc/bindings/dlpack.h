// DLPack's exchange structures, as its specification lays them out (version 0.x, which every library still speaks), and
// its data types.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dtype.h"

namespace tfmini::dlpack {

enum DeviceType : int32_t { kCPU = 1, kCUDA = 2 };

struct Device {
  int32_t type;
  int32_t id;
};

struct DataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool
  uint8_t bits;
  uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major
  uint64_t byte_offset;
};

struct ManagedTensor {
  Tensor tensor;
  void* manager;
  void (*deleter)(ManagedTensor*);
};

constexpr const char* kFresh = "dltensor";       // name of a capsule that nobody has taken
constexpr const char* kTaken = "used_dltensor";  // and of one whose taker calls the deleter

inline std::optional<DataType> from_dtype(DType d) {
  const auto make = [&](int code) {
    return DataType{static_cast<uint8_t>(code), static_cast<uint8_t>(8 * dtype_size(d)), 1};
  };
  switch (d) {
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
      return make(0);
    case DType::kUInt8:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
      return make(1);
    case DType::kHalf:
    case DType::kFloat:
    case DType::kDouble:
      return make(2);
    case DType::kBFloat16:
      return make(4);
    case DType::kComplex64:
    case DType::kComplex128:
      return make(5);
    case DType::kBool:
      return make(6);
    default:
      return std::nullopt;
  }
}

inline bool is_dtype(DataType a, DType d) {
  const std::optional<DataType> b = from_dtype(d);
  return b && a.code == b->code && a.bits == b->bits && a.lanes == 1;
}

}  // namespace tfmini::dlpack

#include "core/dtype.h"

#include <memory>

namespace tfmini {
namespace {

struct Row {
  DType dtype;
  const char* name;       // Python name
  const char* op_def;     // spelling in op definitions
  const char* enum_name;  // spelling in GraphDef text
  size_t size;
};

constexpr Row kRows[] = {
    {DType::kFloat, "float32", "float", "DT_FLOAT", 4},
    {DType::kDouble, "float64", "double", "DT_DOUBLE", 8},
    {DType::kInt32, "int32", "int32", "DT_INT32", 4},
    {DType::kUInt8, "uint8", "uint8", "DT_UINT8", 1},
    {DType::kInt16, "int16", "int16", "DT_INT16", 2},
    {DType::kInt8, "int8", "int8", "DT_INT8", 1},
    {DType::kString, "string", "string", "DT_STRING", sizeof(std::string)},
    {DType::kComplex64, "complex64", "complex64", "DT_COMPLEX64", 8},
    {DType::kInt64, "int64", "int64", "DT_INT64", 8},
    {DType::kBool, "bool", "bool", "DT_BOOL", 1},
    {DType::kBFloat16, "bfloat16", "bfloat16", "DT_BFLOAT16", 2},
    {DType::kUInt16, "uint16", "uint16", "DT_UINT16", 2},
    {DType::kComplex128, "complex128", "complex128", "DT_COMPLEX128", 16},
    {DType::kHalf, "float16", "half", "DT_HALF", 2},
    {DType::kResource, "resource", "resource", "DT_RESOURCE", sizeof(std::shared_ptr<void>)},
    {DType::kVariant, "variant", "variant", "DT_VARIANT", sizeof(std::shared_ptr<void>)},
    {DType::kUInt32, "uint32", "uint32", "DT_UINT32", 4},
    {DType::kUInt64, "uint64", "uint64", "DT_UINT64", 8},
};

const Row* find(DType dtype) {
  for (const Row& row : kRows)
    if (row.dtype == dtype) return &row;
  return nullptr;
}

}  // namespace

size_t dtype_size(DType dtype) {
  switch (dtype) {  // the common sizes without a search: this sits on the run path
    case DType::kFloat:
    case DType::kInt32:
      return 4;
    case DType::kDouble:
    case DType::kInt64:
      return 8;
    default: {
      const Row* row = find(dtype);
      return row ? row->size : 0;
    }
  }
}

const char* dtype_name(DType dtype) {
  const Row* row = find(dtype);
  return row ? row->name : "invalid";
}

DType dtype_from_name(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.name || name == row.op_def || name == row.enum_name) return row.dtype;
  return DType::kInvalid;
}

}  // namespace tfmini

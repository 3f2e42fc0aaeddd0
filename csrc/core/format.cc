#include "core/format.h"

#include <sstream>

namespace tfmini {
namespace {

void element(std::ostream& out, const Tensor& t, int64_t i) {
  switch (t.dtype()) {
    case DType::kFloat:
      out << t.data<float>()[i];
      break;
    case DType::kDouble:
      out << t.data<double>()[i];
      break;
    case DType::kHalf:
      out << static_cast<float>(t.data<Half>()[i]);
      break;
    case DType::kBFloat16:
      out << static_cast<float>(t.data<BFloat16>()[i]);
      break;
    case DType::kBool:
      out << (t.data<bool>()[i] ? "1" : "0");
      break;
    case DType::kString:
      out << t.data<std::string>()[i];
      break;
    case DType::kUInt64:
      out << t.data<uint64_t>()[i];
      break;
    default:
      if (is_integer(t.dtype()))
        out << t.int_at(i);
      else
        out << '?';
  }
}

// Prints dimension `axis` of the block of elements that starts at `index`; false once `left` ran out.
bool block(std::ostream& out, const Tensor& t, int axis, int64_t& index, int64_t& left) {
  if (axis == t.rank()) {
    if (left == 0) return false;
    element(out, t, index++);
    --left;
    return true;
  }
  out << '[';
  bool all = true;
  for (int64_t i = 0; i < t.dim(axis) && all; ++i) {
    if (left == 0) {
      all = false;
      break;
    }
    if (i) out << ' ';
    all = block(out, t, axis + 1, index, left);
  }
  out << (all ? "]" : "...]");
  return all;
}

}  // namespace

std::string summarize(const Tensor& t, int64_t limit) {
  std::ostringstream out;
  int64_t index = 0, left = limit < 0 ? t.num_elements() : limit;
  block(out, t, 0, index, left);
  return out.str();
}

}  // namespace tfmini

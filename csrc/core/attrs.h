// Attributes of a node, under TensorFlow's names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace tfmini {

struct Function;  // graph/function.h: a sub-graph with inputs and outputs

using AttrValue = std::variant<std::monostate, int64_t, float, bool, std::string, DType, Shape, Tensor,
                               std::shared_ptr<Function>, std::vector<int64_t>, std::vector<float>, std::vector<bool>,
                               std::vector<std::string>, std::vector<DType>, std::vector<Shape>>;

// A few pairs, searched linearly: nodes have at most a dozen attributes, and kernels read them
// once, when they are constructed.
class Attrs {
 public:
  void set(std::string_view name, AttrValue value);
  // nullptr if absent.
  const AttrValue* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Throws InvalidArgumentError if absent or of another type.
  template <class T>
  const T& get(std::string_view name) const {
    const AttrValue* v = find(name);
    if (!v) missing(name);
    const T* p = std::get_if<T>(v);
    if (!p) wrong_type(name);
    return *p;
  }
  int64_t integer(std::string_view name) const { return get<int64_t>(name); }
  float real(std::string_view name) const { return get<float>(name); }
  bool flag(std::string_view name) const { return get<bool>(name); }
  const std::string& string(std::string_view name) const { return get<std::string>(name); }
  DType dtype(std::string_view name) const { return get<DType>(name); }
  const Shape& shape(std::string_view name) const { return get<Shape>(name); }
  // A list attribute; an empty list of any element type reads as an empty one.
  const std::vector<int64_t>& ints(std::string_view name) const { return get<std::vector<int64_t>>(name); }

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  [[noreturn]] static void missing(std::string_view name);
  [[noreturn]] static void wrong_type(std::string_view name);
  std::vector<std::pair<std::string, AttrValue>> items_;
};

bool same_value(const AttrValue& a, const AttrValue& b);  // tensors by content, functions by identity

}  // namespace tfmini

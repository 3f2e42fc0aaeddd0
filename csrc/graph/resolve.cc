// Type resolution: attributes that follow from inputs, defaults, and their checks.
#include "graph/graph.h"

namespace tfmini {
namespace {

// Slots and run keys number outputs in 16 bits.
constexpr int64_t kMaxOutputs = 1 << 16;

bool allowed(const AttrDef& def, DType dtype) {
  if (def.allowed_types.empty()) return dtype != DType::kInvalid;
  for (DType d : def.allowed_types)
    if (d == dtype) return true;
  return false;
}

std::string list_types(const std::vector<DType>& types) {
  std::string s;
  for (DType d : types) s += (s.empty() ? "" : ", ") + std::string(dtype_name(d));
  return s;
}

void check_attr(const OpDef& op, const AttrDef& def, const AttrValue& value) {
  auto bad = [&](const auto&... parts) {
    throw TypeMismatch(detail::concat("attribute '", def.name, "' of ", op.name, " ", parts...));
  };
  auto check_type = [&](DType d) {
    if (!allowed(def, d))
      bad("cannot be ", dtype_name(d), def.allowed_types.empty() ? "" : "; allowed: " + list_types(def.allowed_types));
  };
  if (const auto* d = std::get_if<DType>(&value)) check_type(*d);
  if (const auto* list = std::get_if<std::vector<DType>>(&value)) {
    for (DType d : *list) check_type(d);
    check(!def.has_minimum || static_cast<int64_t>(list->size()) >= def.minimum, "attribute '", def.name, "' of ",
          op.name, " needs at least ", def.minimum, " entries");
  }
  if (const auto* i = std::get_if<int64_t>(&value))
    check(!def.has_minimum || *i >= def.minimum, "attribute '", def.name, "' of ", op.name, " must be at least ",
          def.minimum, ", got ", *i);
  if (const auto* s = std::get_if<std::string>(&value); s && !def.allowed_strings.empty()) {
    std::string names;
    for (const std::string& a : def.allowed_strings) {
      if (a == *s) return;
      names += (names.empty() ? "'" : ", '") + a + "'";
    }
    invalid_argument("attribute '", def.name, "' of ", op.name, " is '", *s, "'; allowed: ", names);
  }
}

// Sets a type attribute from an input, or checks that both agree.
void bind_type(const OpDef& op, const ArgDef& arg, DType dtype, Attrs& attrs) {
  const AttrValue* old = attrs.find(arg.type_attr);
  if (!old) return attrs.set(arg.type_attr, dtype);
  const DType* bound = std::get_if<DType>(old);
  if (bound && *bound != dtype) {
    // Name the argument that bound it first, as TensorFlow does.
    std::string first;
    for (const ArgDef& other : op.inputs)
      if (&other != &arg && other.type_attr == arg.type_attr) {
        first = " of argument '" + other.name + "'";
        break;
      }
    throw TypeMismatch(detail::concat("input '", arg.name, "' of ", op.name, " has type ", dtype_name(dtype),
                                      " that does not match type ", dtype_name(*bound), first));
  }
}

}  // namespace

std::vector<DType> resolve_attrs(const OpDef& op, const std::vector<std::vector<DType>>& inputs, Attrs& attrs) {
  if (inputs.size() != op.inputs.size())
    throw TypeMismatch(detail::concat(op.name, " takes ", op.inputs.size(), " inputs, got ", inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ArgDef& arg = op.inputs[i];
    const auto& types = inputs[i];
    if (!arg.type_list_attr.empty()) {
      attrs.set(arg.type_list_attr, types);
      continue;
    }
    if (!arg.number_attr.empty()) {
      const auto n = static_cast<int64_t>(types.size());
      if (const AttrValue* old = attrs.find(arg.number_attr); old && std::get<int64_t>(*old) != n)
        invalid_argument("list input '", arg.name, "' of ", op.name, " has length ", n, ", expected ",
                         std::get<int64_t>(*old));
      attrs.set(arg.number_attr, n);
    }
    for (DType d : types) {
      if (!arg.type_attr.empty())
        bind_type(op, arg, d, attrs);
      else if (d != arg.dtype)
        throw TypeMismatch(detail::concat("input '", arg.name, "' of ", op.name, " has type ", dtype_name(d),
                                          ", expected ", dtype_name(arg.dtype)));
    }
  }
  for (const AttrDef& def : op.attrs) {
    const AttrValue* value = attrs.find(def.name);
    if (!value) {
      check(def.has_default, "attribute '", def.name, "' of ", op.name, " is missing");
      attrs.set(def.name, def.default_value);
    } else {
      check_attr(op, def, *value);
    }
  }
  std::vector<DType> outputs;
  for (const ArgDef& arg : op.outputs) {
    if (!arg.type_list_attr.empty()) {
      const auto& types = attrs.get<std::vector<DType>>(arg.type_list_attr);
      outputs.insert(outputs.end(), types.begin(), types.end());
      continue;
    }
    const DType dtype = arg.type_attr.empty() ? arg.dtype : attrs.dtype(arg.type_attr);
    const int64_t n = arg.number_attr.empty() ? 1 : attrs.integer(arg.number_attr);
    check(n >= 0 && n < kMaxOutputs, "attribute '", arg.number_attr, "' of ", op.name, " is ", n,
          "; it must lie in [0, ", kMaxOutputs, ")");
    outputs.insert(outputs.end(), static_cast<size_t>(n), dtype);
  }
  return outputs;
}

}  // namespace tfmini

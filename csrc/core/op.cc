#include "core/op.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace tfmini {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

// Splits "a: b" at the first occurrence of `at`; the second part is empty if there is none.
std::pair<std::string_view, std::string_view> split(std::string_view s, std::string_view at) {
  const size_t i = s.find(at);
  if (i == std::string_view::npos) return {trim(s), {}};
  return {trim(s.substr(0, i)), trim(s.substr(i + at.size()))};
}

std::vector<std::string_view> split_list(std::string_view s) {
  std::vector<std::string_view> out;
  while (!s.empty()) {
    auto [head, tail] = split(s, ",");
    if (!head.empty()) out.push_back(head);
    s = tail;
  }
  return out;
}

std::string unquote(std::string_view s) {
  if (s.size() >= 2 && (s.front() == '\'' || s.front() == '"')) s = s.substr(1, s.size() - 2);
  return std::string(s);
}

int64_t parse_int(std::string_view s) { return std::strtoll(std::string(s).c_str(), nullptr, 10); }

AttrValue parse_default(const std::string& type, std::string_view text) {
  if (type == "int") return parse_int(text);
  if (type == "float") return std::strtof(std::string(text).c_str(), nullptr);
  if (type == "bool") return text == "true";
  if (type == "string") return unquote(text);
  if (type == "type") return dtype_from_name(text);
  if (type == "shape") return Shape::unknown();  // the only default TensorFlow uses is <unknown>
  const auto items = split_list(text.substr(1, text.size() - 2));
  if (type == "tensor") {  // the only default TensorFlow uses is a color, a vector of bytes
    std::vector<uint8_t> v;
    for (auto i : items) v.push_back(static_cast<uint8_t>(parse_int(i)));
    return Tensor::vector(v);
  }
  if (type == "list(int)") {
    std::vector<int64_t> v;
    for (auto i : items) v.push_back(parse_int(i));
    return v;
  }
  if (type == "list(float)") {
    std::vector<float> v;
    for (auto i : items) v.push_back(std::strtof(std::string(i).c_str(), nullptr));
    return v;
  }
  if (type == "list(type)") return std::vector<DType>{};
  if (type == "list(shape)") return std::vector<Shape>{};
  if (type == "list(string)") return std::vector<std::string>{};
  if (type == "list(bool)") return std::vector<bool>{};
  fail(Code::kInternal, "attribute type ", type, " cannot have a default");
}

ArgDef parse_arg(const OpDef& def, std::string_view spec) {
  ArgDef arg;
  auto [name, type] = split(spec, ":");
  arg.name = name;
  if (type.starts_with("Ref(")) {
    arg.is_ref = true;
    type = trim(type.substr(4, type.size() - 5));
  }
  if (auto [count, of] = split(type, "*"); !of.empty()) {
    arg.number_attr = count;
    type = of;
  }
  arg.dtype = dtype_from_name(type);
  if (arg.dtype == DType::kInvalid) arg.type_attr = type;
  (void)def;
  return arg;
}

}  // namespace

const AttrDef* OpDef::find_attr(std::string_view attr) const {
  for (const AttrDef& a : attrs)
    if (a.name == attr) return &a;
  return nullptr;
}

OpBuilder& OpBuilder::input(std::string_view spec) {
  def_.inputs.push_back(parse_arg(def_, spec));
  return *this;
}

OpBuilder& OpBuilder::output(std::string_view spec) {
  def_.outputs.push_back(parse_arg(def_, spec));
  return *this;
}

OpBuilder& OpBuilder::attr(std::string_view spec) {
  AttrDef a;
  auto [name, rest] = split(spec, ":");
  a.name = name;
  auto [type, default_text] = split(rest, " = ");
  if (auto [base, minimum] = split(type, ">="); !minimum.empty()) {
    a.has_minimum = true;
    a.minimum = parse_int(minimum);
    type = base;
  }
  const bool list = type.starts_with("list(");
  std::string_view element = list ? type.substr(5, type.size() - 6) : type;
  if (element.starts_with("{")) {
    for (auto item : split_list(element.substr(1, element.size() - 2))) {
      if (item.front() == '\'')
        a.allowed_strings.push_back(unquote(item));
      else
        a.allowed_types.push_back(dtype_from_name(item));
    }
    element = a.allowed_types.empty() ? "string" : "type";
  }
  a.type = list ? "list(" + std::string(element) + ")" : std::string(element);
  if (!default_text.empty()) {
    a.has_default = true;
    a.default_value = parse_default(a.type, default_text);
  }
  // Inputs and outputs are declared before attributes: now it is known which of them are lists.
  if (a.type == "list(type)")
    for (auto* args : {&def_.inputs, &def_.outputs})
      for (ArgDef& arg : *args)
        if (arg.type_attr == a.name && arg.number_attr.empty()) {
          arg.type_list_attr = a.name;
          arg.type_attr.clear();
        }
  // By default the first of T, dtype that the op has selects the kernel.
  if (a.type == "type" && def_.kernel_attr.empty() && (a.name == "T" || a.name == "dtype")) def_.kernel_attr = a.name;
  def_.attrs.push_back(std::move(a));
  return *this;
}

int normalize_axis(int64_t axis, int rank, const char* what) {
  check(axis >= -rank && axis < rank, what, " ", axis, " is out of range for a tensor of rank ", rank,
        "; it must lie in [", -rank, ", ", rank, ")");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

namespace {
void check_rank(const InferContext& c, int i, bool ok, const char* relation, int rank) {
  check(ok, "input ", i, " has shape ", c.input(i), ", expected a tensor of ", relation, " ", rank);
}
}  // namespace

void InferContext::infer() {
  if (!def_->shape_fn) return;
  def_->shape_fn(*this);
  for (const Shape& s : outputs_) s.num_elements();
}

Shape InferContext::with_rank(int i, int rank) const {
  const Shape& s = input(i);
  if (!s.known_rank()) return Shape::unknown_of_rank(rank);
  check_rank(*this, i, s.rank() == rank, "rank", rank);
  return s;
}
Shape InferContext::with_rank_at_least(int i, int rank) const {
  check_rank(*this, i, !input(i).known_rank() || input(i).rank() >= rank, "rank at least", rank);
  return input(i);
}
Shape InferContext::with_rank_at_most(int i, int rank) const {
  check_rank(*this, i, !input(i).known_rank() || input(i).rank() <= rank, "rank at most", rank);
  return input(i);
}

namespace shapes {

void unchanged(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, c.input(0));
}
void scalar(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, Shape{});
}
void broadcast_all(InferContext& c) {
  Shape s;
  for (int i = 0; i < c.num_inputs(); ++i) s = broadcast(s, c.input(i));
  c.set_output(0, s);
}
void merged(InferContext& c) {
  Shape s = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) s = merge(s, c.input(i));
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
}
void unknown(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, Shape::unknown());
}
void none(InferContext&) {}

}  // namespace shapes
}  // namespace tfmini

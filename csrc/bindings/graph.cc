// Graph, Function and the op table, for python/tfmini/graph.py and raw.py.
#include "graph/graph.h"

#include <pybind11/stl.h>

#include "bindings/attr.h"
#include "bindings/module.h"
#include "bindings/numpy.h"
#include "core/registry.h"
#include "graph/function.h"

namespace tfmini {
namespace {

using PyOut = std::pair<int32_t, int32_t>;
using PyInputs = std::vector<std::vector<PyOut>>;

Out to_out(const PyOut& t) { return Out{t.first, t.second}; }

std::vector<std::vector<Out>> to_inputs(const PyInputs& inputs) {
  std::vector<std::vector<Out>> out(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    for (const PyOut& t : inputs[i]) out[i].push_back(to_out(t));
  return out;
}

Attrs to_attrs(const OpDef& op, const py::dict& values) {
  Attrs attrs;
  for (auto [key, value] : values) {
    const auto name = key.cast<std::string>();
    if (const AttrDef* def = op.find_attr(name))
      attrs.set(name, attr_from_python(*def, value));
    else if (name.starts_with("_"))  // annotations such as _class; kept as text
      attrs.set(name, py::str(value).cast<std::string>());
    else
      throw TypeMismatch(detail::concat(op.name, " has no attribute '", name, "'"));
  }
  return attrs;
}

// Output dtypes as enum numbers; a reference adds 100, as in TensorFlow's *_REF types.
py::tuple output_types(const Node& node) {
  py::tuple out(node.dtypes.size());
  for (size_t i = 0; i < node.dtypes.size(); ++i)
    out[i] = py::int_(static_cast<int>(node.dtypes[i]) + (node.refs[i] ? 100 : 0));
  return out;
}

py::tuple add(Graph& g, const std::string& op, const std::string& name, const PyInputs& inputs,
              std::vector<int32_t> control, const py::dict& attrs, const std::string& device) {
  const OpDef& def = Registry::get().find(op);
  const Node& node = g.add(op, name, to_inputs(inputs), std::move(control), to_attrs(def, attrs), device);
  return py::make_tuple(node.id, output_types(node));
}

py::tuple rewrite(Graph& g, int32_t id, const PyInputs& inputs, const py::dict& attrs) {
  return output_types(g.rewrite(id, to_inputs(inputs), to_attrs(*g.node(id).op, attrs)));
}

py::object attr(const Graph& g, int32_t id, const std::string& name) {
  const AttrValue* v = g.node(id).attrs.find(name);
  if (!v) throw py::key_error(name);
  return attr_to_python(*v);
}

py::dict attrs(const Graph& g, int32_t id) {
  py::dict d;
  for (const auto& [name, value] : g.node(id).attrs) d[py::str(name)] = attr_to_python(value);
  return d;
}

void set_attr(Graph& g, int32_t id, const std::string& name, py::handle value) {
  py::dict d;
  d[py::str(name)] = value;
  Node& node = g.node(id);
  for (const auto& [key, v] : to_attrs(*node.op, d)) node.attrs.set(key, v);
}

std::vector<PyOut> inputs(const Graph& g, int32_t id) {
  std::vector<PyOut> out;
  for (Out t : g.node(id).inputs) out.emplace_back(t.node, t.index);
  return out;
}

std::shared_ptr<Function> make_function(std::string name, std::shared_ptr<Graph> graph,
                                        const std::vector<PyOut>& inputs, const std::vector<PyOut>& outputs,
                                        std::vector<int32_t> control_outputs) {
  auto f = std::make_shared<Function>();
  f->name = std::move(name);
  f->graph = std::move(graph);
  for (const PyOut& t : inputs) f->inputs.push_back(to_out(t));
  for (const PyOut& t : outputs) f->outputs.push_back(to_out(t));
  f->control_outputs = std::move(control_outputs);
  return f;
}

py::dict arg_info(const ArgDef& a) {
  py::dict d;
  d["name"] = a.name;
  d["dtype"] = static_cast<int>(a.dtype);
  d["type_attr"] = a.type_attr;
  d["number_attr"] = a.number_attr;
  d["type_list_attr"] = a.type_list_attr;
  d["is_ref"] = a.is_ref;
  return d;
}

py::dict attr_info(const AttrDef& a) {
  py::list allowed;
  for (DType t : a.allowed_types) allowed.append(static_cast<int>(t));
  py::dict d;
  d["name"] = a.name;
  d["type"] = a.type;
  d["has_default"] = a.has_default;
  d["default"] = a.has_default ? attr_to_python(a.default_value) : py::none();
  d["allowed_types"] = allowed;
  return d;
}

// An OpDef as a dict, for raw.py and for tests.
py::dict op_info(const std::string& name) {
  const OpDef& op = Registry::get().find(name);
  py::list inputs, outputs, attrs;
  for (const ArgDef& a : op.inputs) inputs.append(arg_info(a));
  for (const ArgDef& a : op.outputs) outputs.append(arg_info(a));
  for (const AttrDef& a : op.attrs) attrs.append(attr_info(a));
  py::dict d;
  d["name"] = op.name;
  d["inputs"] = inputs;
  d["outputs"] = outputs;
  d["attrs"] = attrs;
  d["stateful"] = op.stateful;
  d["alias"] = op.alias;
  d["elementwise"] = op.elementwise;
  d["dynamic_output"] = op.dynamic_output;
  return d;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const OpDef* op : Registry::get().all()) names.push_back(op->name);
  return names;
}

std::vector<int> kernel_dtypes(const std::string& op, const std::string& device) {
  std::vector<int> out;
  const DeviceKind kind = device == "gpu" ? DeviceKind::kCUDA : DeviceKind::kCPU;
  for (DType d : Registry::get().kernel_dtypes(op, kind)) out.push_back(static_cast<int>(d));
  return out;
}

}  // namespace

void bind_graph(py::module_& m) {
  py::class_<Graph, std::shared_ptr<Graph>>(m, "Graph")
      .def(py::init<>())
      .def("add", &add)
      .def("rewrite", &rewrite)
      .def("size", &Graph::size)
      .def("shape", [](Graph& g, int32_t id, int32_t i) { return shape_to_python(g.shape({id, i})); })
      .def("refine_shape",
           [](Graph& g, int32_t id, int32_t i, py::handle s) { g.refine_shape({id, i}, shape_from_python(s)); })
      .def("inputs", &inputs)
      .def("control_inputs", [](const Graph& g, int32_t id) { return g.node(id).control_inputs; })
      .def("add_control_input", [](Graph& g, int32_t id, int32_t c) { g.node(id).control_inputs.push_back(c); })
      .def("attr", &attr)
      .def("attrs", &attrs)
      .def("set_attr", &set_attr)
      .def("set_device", [](Graph& g, int32_t id, std::string device) { g.node(id).device = std::move(device); })
      .def("constant_value",
           [](Graph& g, int32_t id, int32_t i) -> py::object {
             const Tensor* t = g.constant_value({id, i});
             return t ? numpy_from_tensor(*t) : py::none();
           })
      .def("constant_as_shape",
           [](Graph& g, int32_t id, int32_t i) { return shape_to_python(g.constant_as_shape({id, i})); });

  py::class_<Function, std::shared_ptr<Function>>(m, "Function")
      .def(py::init(&make_function))
      .def_readonly("name", &Function::name)
      .def_readonly("graph", &Function::graph);

  m.def("op_info", &op_info);
  m.def("op_names", &op_names);
  m.def("kernel_dtypes", &kernel_dtypes);
}

}  // namespace tfmini

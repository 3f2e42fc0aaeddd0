// What an op is (OpDef), what its shape rule sees (InferContext) and what its kernels see
// (KernelContext).
//
// An OpDef is declared once, in the file of its family, with TensorFlow's names in TensorFlow's
// own notation:
//
//   r.op("ConcatV2")
//       .input("values: N * T").input("axis: Tidx").output("output: T")
//       .attr("N: int >= 2").attr("T: type").attr("Tidx: {int32, int64} = int32")
//       .shape(concat_shape);
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/attrs.h"
#include "core/device.h"
#include "core/tensor.h"

namespace tfmini {

class InferContext;
class KernelContext;
using ShapeFn = void (*)(InferContext&);

// One input or output, in TensorFlow's notation "name: T", "name: float", "name: N * T",
// "name: Tlist" (a list(type) attribute) or "name: Ref(T)".
struct ArgDef {
  std::string name;
  DType dtype = DType::kInvalid;  // fixed dtype, or
  std::string type_attr;          // attribute that holds it,
  std::string number_attr;        // with the attribute that holds the count,
  std::string type_list_attr;     // or attribute that lists all dtypes
  bool is_ref = false;            // names a variable, not a value
};

// "name: type", "name: {int32, int64} = int32", "N: int >= 1", "padding: {'SAME', 'VALID'}",
// "strides: list(int)", "T: type", "body: func", "seed: int = 0".
struct AttrDef {
  std::string name;
  std::string type;  // int float bool string type shape tensor func list(int) list(float) ...
  std::vector<DType> allowed_types;
  std::vector<std::string> allowed_strings;
  bool has_minimum = false;
  int64_t minimum = 0;
  bool has_default = false;
  AttrValue default_value;
};

struct OpDef {
  std::string name;
  std::vector<ArgDef> inputs;
  std::vector<ArgDef> outputs;
  std::vector<AttrDef> attrs;
  ShapeFn shape_fn = nullptr;

  // Never folded, merged, or dropped once it is reachable: random, variables, prints, host calls.
  bool stateful = false;
  // Output 0 is input 0 under another shape or dtype: no kernel runs, no memory moves.
  bool alias = false;
  // An output of the shape of input 0 is input 0: nothing is reduced, repeated or padded then.
  bool same_if_same_shape = false;
  // The kernel may write output `second` over input `first` (same dtype and element count).
  std::vector<std::pair<int, int>> in_place;
  // Inputs that the kernel reads on the host (shapes, axes) whatever its device.
  std::vector<int> host_inputs;
  // The kernel looks at the shapes of its inputs only, wherever their elements are.
  bool reads_shapes = false;
  // Output shapes depend on data: the kernel itself allocates with set_output().
  bool dynamic_output = false;
  // The kernel keeps references to inputs after it returns (tensor lists): they must own memory.
  bool keeps_inputs = false;
  // A GPU's kernel waits for the device to raise an error there is: it cannot be part of a CUDA graph.
  bool waits_on_gpu = false;
  // Writes the variable named by its first (ref) inputs.
  bool writes_variable = false;
  // Elementwise over broadcast inputs: candidates for fusion (see passes/fuse.cc).
  bool elementwise = false;
  // Attribute whose dtype selects the kernel; empty: one kernel for all dtypes.
  std::string kernel_attr;

  const AttrDef* find_attr(std::string_view name) const;
};

// Fluent construction of an OpDef; parse errors throw at import and are caught by any test.
class OpBuilder {
 public:
  explicit OpBuilder(OpDef& def) : def_(def) {}
  OpBuilder& input(std::string_view spec);
  OpBuilder& output(std::string_view spec);
  OpBuilder& attr(std::string_view spec);
  OpBuilder& shape(ShapeFn fn) {
    def_.shape_fn = fn;
    return *this;
  }
  OpBuilder& stateful() {
    def_.stateful = true;
    return *this;
  }
  OpBuilder& alias() {
    def_.alias = true;
    return *this;
  }
  OpBuilder& same_if_same_shape() {
    def_.same_if_same_shape = true;
    return *this;
  }
  OpBuilder& in_place(int input, int output = 0) {
    def_.in_place.emplace_back(input, output);
    return *this;
  }
  OpBuilder& host_input(int input) {
    def_.host_inputs.push_back(input);
    return *this;
  }
  OpBuilder& reads_shapes() {
    def_.reads_shapes = true;
    return *this;
  }
  OpBuilder& dynamic_output() {
    def_.dynamic_output = true;
    return *this;
  }
  OpBuilder& keeps_inputs() {
    def_.keeps_inputs = true;
    return *this;
  }
  OpBuilder& waits_on_gpu() {
    def_.waits_on_gpu = true;
    return *this;
  }
  OpBuilder& writes_variable() {
    def_.writes_variable = true;
    def_.stateful = true;
    return *this;
  }
  OpBuilder& elementwise() {
    def_.elementwise = true;
    return *this;
  }
  OpBuilder& kernel_attr(std::string_view name) {
    def_.kernel_attr = std::string(name);
    return *this;
  }

 private:
  OpDef& def_;
};

// Inputs and outputs of one node while its shapes are decided. The shape rule runs when the node
// is created (shapes may be partly unknown) and again when a plan is made (all fed shapes known).
// It throws InvalidArgumentError for wrong ranks, shapes and values of known inputs, and sets every
// output shape; dtypes follow from the OpDef.
class InferContext {
 public:
  virtual ~InferContext() = default;
  const OpDef& def() const { return *def_; }
  const Attrs& attrs() const { return *attrs_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const Shape& input(int i) const { return inputs_[i]; }
  DType input_dtype(int i) const { return input_dtypes_[i]; }
  void set_output(int i, const Shape& shape) { outputs_[i] = shape; }
  const Shape& output(int i) const { return outputs_[i]; }
  // Runs the op's shape rule (without one, outputs stay unknown); sizes beyond int64 are refused here for all ops.
  void infer();

  // The value of input i if it is known already (a constant, or the shape of a known tensor).
  virtual const Tensor* constant(int i) = 0;
  // Input i, an integer vector, read as a shape; elements that are not known yet are -1, and the
  // rank is unknown if the vector's length is. `allow_minus_one`: a known -1 is passed through as
  // unknown instead of being an error (Reshape handles it before).
  virtual Shape constant_as_shape(int i) = 0;

  // Input i, checked to have this rank / at least / at most this rank (if known).
  Shape with_rank(int i, int rank) const;
  Shape with_rank_at_least(int i, int rank) const;
  Shape with_rank_at_most(int i, int rank) const;

 protected:
  const OpDef* def_ = nullptr;
  const Attrs* attrs_ = nullptr;
  std::vector<Shape> inputs_;
  std::vector<DType> input_dtypes_;
  std::vector<Shape> outputs_;
};

// Shape rules many ops share.
namespace shapes {
void unchanged(InferContext& c);      // output 0..n = input 0
void scalar(InferContext& c);         // every output a scalar
void broadcast_all(InferContext& c);  // output 0 = all inputs broadcast together
void merged(InferContext& c);         // all inputs have output 0's shape
void unknown(InferContext& c);
void none(InferContext& c);  // no outputs
}  // namespace shapes

// A negative axis counts from the back; throws InvalidArgumentError outside [-rank, rank).
int normalize_axis(int64_t axis, int rank, const char* what = "axis");

// State a kernel keeps per session and node between runs (random counters, iterators).
class SessionState {
 public:
  virtual ~SessionState() = default;
};

class Variable;  // runtime/variables.h

// What a run offers its kernels beyond tensors. Implemented by the runtime; absent while constants
// are folded.
class RunEnv {
 public:
  virtual ~RunEnv() = default;
  virtual Variable& variable(const void* instr, int input) = 0;
  virtual SessionState& session_state(const void* instr, std::unique_ptr<SessionState> (*make)(const void*),
                                      const void* arg) = 0;
  virtual const std::string& node_name(const void* instr) const = 0;
};

// What a kernel sees: inputs, outputs already allocated, nothing about graphs. Kernels are shared
// by concurrent runs and must keep no mutable state of their own.
class KernelContext {
 public:
  // One call of one kernel: tensors live in `slots`, the id arrays say which are its own.
  struct Call {
    Tensor* slots = nullptr;
    const int32_t* inputs = nullptr;
    const int32_t* outputs = nullptr;
    const DType* output_dtypes = nullptr;
    int num_inputs = 0;
    int num_outputs = 0;
    uint64_t owned_inputs = 0;  // bit i: this is the last use of input i and nothing else needs its slot
    Device* device = nullptr;
    RunEnv* env = nullptr;
    const void* instr = nullptr;
  };
  explicit KernelContext(const Call& call) : call_(call) {}

  int num_inputs() const { return call_.num_inputs; }
  int num_outputs() const { return call_.num_outputs; }
  const Tensor& input(int i) const { return call_.slots[call_.inputs[i]]; }
  Tensor& output(int i) const { return call_.slots[call_.outputs[i]]; }
  template <class T>
  const T* in(int i) const {
    return input(i).data<T>();
  }
  template <class T>
  T* out(int i) const {
    return output(i).data<T>();
  }

  // Ops with dynamic_output only: allocates or installs output i.
  Tensor& allocate_output(int i, const Shape& shape) const;
  void set_output(int i, Tensor tensor) const { output(i) = std::move(tensor); }
  // Input i, moved out of its slot at its last use (its buffer may then be unique), shared otherwise.
  // Always owns its memory.
  Tensor take_input(int i) const;
  // The same without that promise: the result may be borrowed for the duration of the call.
  Tensor take_or_share(int i) const;
  DType output_dtype(int i) const { return call_.output_dtypes[i]; }
  // Scratch memory for the duration of the call.
  Tensor scratch(DType dtype, const Shape& shape) const { return Tensor(*call_.device, dtype, shape); }
  Device& device() const { return *call_.device; }

  // The variable named by (ref) input i.
  Variable& variable(int i) const { return env().variable(call_.instr, i); }
  // This node's state in this session, made by `make(arg)` at first use; runs of one session share it.
  SessionState& session_state(std::unique_ptr<SessionState> (*make)(const void*), const void* arg) const {
    return env().session_state(call_.instr, make, arg);
  }
  RunEnv& env() const;
  const std::string& node_name() const { return env().node_name(call_.instr); }
  const void* instr() const { return call_.instr; }

 private:
  const Call& call_;
};

// Runs a kernel once on host tensors, outside of any plan: constant folding and tests.
struct Kernel;
std::vector<Tensor> call_kernel(const Kernel& kernel, const std::vector<Tensor>& inputs,
                                const std::vector<DType>& output_dtypes, const std::vector<Shape>& output_shapes,
                                bool dynamic_output);

}  // namespace tfmini

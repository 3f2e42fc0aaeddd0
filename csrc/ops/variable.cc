// Variables. VariableV2 names a variable of the session's store (its output is a reference);
// whoever uses the reference as a value reads it, in the order the plan fixes (passes/variables.cc).
#include "runtime/variables.h"

#include <functional>
#include <limits>

#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

void variable_shape(InferContext& c) { c.set_output(0, c.attrs().shape("shape")); }

// With validate_shape the value must fit the variable; its shape is the more specific of the two.
void assign_shape(InferContext& c) {
  const bool validate = c.attrs().has("validate_shape") ? c.attrs().flag("validate_shape") : true;
  c.set_output(0, validate ? merge(c.input(0), c.input(1)) : c.input(1));
}

void assign(KernelContext& c) {
  Variable& v = c.variable(0);
  Tensor value = c.take_or_share(1);
  // Only memory that nobody else can write may become the variable's own.
  if (value.buffer() && value.buffer()->unique() && value.raw() == value.buffer()->data())
    v.assign(std::move(value));
  else
    v.copy(value);
}

template <class T, bool kAdd>
struct AssignUpdate {
  static void run(KernelContext& c) {
    VariableUpdate update(c.variable(0));
    const Tensor& delta = c.input(1);
    check(update.read(0).shape() == delta.shape(), "the variable has shape ", update.read(0).shape(),
          ", the value to add has shape ", delta.shape());
    T* v = update[0].template data<T>();
    const T* d = delta.data<T>();
    parallel_for(delta.num_elements(), grain_for_bytes(3 * sizeof(T)), [&](int64_t begin, int64_t end) {
      using C = ComputeType<T>;
      for (int64_t i = begin; i < end; ++i)
        v[i] = static_cast<T>(kAdd ? static_cast<C>(v[i]) + static_cast<C>(d[i])
                                   : static_cast<C>(v[i]) - static_cast<C>(d[i]));
    });
  }
};
template <class T>
struct AssignAdd : AssignUpdate<T, true> {};
template <class T>
struct AssignSub : AssignUpdate<T, false> {};

void is_initialized(KernelContext& c) { *c.out<bool>(0) = c.variable(0).initialized(); }

// Reads the variable; the plan has put this instruction before or after the run's assignments.
void read_variable(KernelContext& c) { c.set_output(0, c.variable(0).read()); }
// The same for a read that an assignment must not disturb.
void copy_variable(KernelContext& c) { c.set_output(0, c.variable(0).read().clone()); }

void count_up_to_shape(InferContext& c) { c.set_output(0, c.with_rank(0, 0)); }

template <class T>
struct CountUpTo {
  explicit CountUpTo(const Attrs& a) : limit(a.integer("limit")) {
    check(limit <= std::numeric_limits<T>::max(), "limit ", limit, " is beyond the variable's type");
  }
  void operator()(KernelContext& c) const {
    VariableUpdate update(c.variable(0));
    const T value = *update.read(0).data<T>();
    if (static_cast<int64_t>(value) >= limit) fail(Code::kOutOfRange, "reached the limit of ", limit);
    *update[0].data<T>() = value + 1;
    *c.out<T>(0) = value;
  }
  int64_t limit;
};

}  // namespace

void register_variable(Registry& r) {
  for (const char* name : {"VariableV2", "Variable"})
    r.op(name)
        .output("ref: Ref(dtype)")
        .attr("shape: shape")
        .attr("dtype: type")
        .attr("container: string = ''")
        .attr("shared_name: string = ''")
        .shape(variable_shape)
        .stateful();
  // Every use of a reference as a value goes through one of these; inserted by the variables pass.
  r.op("_ReadVariable")
      .input("ref: Ref(T)")
      .output("value: T")
      .attr("T: type")
      .shape(shapes::unchanged)
      .stateful()
      .dynamic_output();
  for (DeviceKind d : {DeviceKind::kCPU, DeviceKind::kCUDA})
    r.kernel("_ReadVariable", d, DType::kInvalid, read_variable);
  r.op("_CopyVariable")
      .input("ref: Ref(T)")
      .output("value: T")
      .attr("T: type")
      .shape(shapes::unchanged)
      .stateful()
      .dynamic_output();
  for (DeviceKind d : {DeviceKind::kCPU, DeviceKind::kCUDA})
    r.kernel("_CopyVariable", d, DType::kInvalid, copy_variable);

  r.op("IsVariableInitialized")
      .input("ref: Ref(dtype)")
      .output("is_initialized: bool")
      .attr("dtype: type")
      .shape(shapes::scalar)
      .stateful()
      .reads_shapes();
  r.kernel("IsVariableInitialized", DeviceKind::kCPU, DType::kInvalid, is_initialized);

  r.op("Assign")
      .input("ref: Ref(T)")
      .input("value: T")
      .output("output_ref: Ref(T)")
      .attr("T: type")
      .attr("validate_shape: bool = true")
      .attr("use_locking: bool = true")
      .shape(assign_shape)
      .writes_variable()
      .keeps_inputs();
  for (DeviceKind d : {DeviceKind::kCPU, DeviceKind::kCUDA}) r.kernel("Assign", d, DType::kInvalid, assign);
  for (const char* name : {"AssignAdd", "AssignSub"})
    r.op(name)
        .input("ref: Ref(T)")
        .input("value: T")
        .output("output_ref: Ref(T)")
        .attr("T: type")
        .attr("use_locking: bool = false")
        .shape(shapes::merged)
        .writes_variable();
  r.kernels<AssignAdd>("AssignAdd", DeviceKind::kCPU, NumberTypes{});
  r.kernels<AssignSub>("AssignSub", DeviceKind::kCPU, NumberTypes{});
  r.op("CountUpTo")
      .input("ref: Ref(T)")
      .output("output: T")
      .attr("limit: int")
      .attr("T: {int32, int64}")
      .shape(count_up_to_shape)
      .writes_variable();
  r.kernels<CountUpTo>("CountUpTo", DeviceKind::kCPU, IndexTypes{});
}

}  // namespace tfmini

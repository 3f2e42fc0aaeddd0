// TensorList ops under TensorFlow's names. A list is a scalar variant holding a shared TensorList;
// ops that change one copy it first unless they hold the last reference, so a loop that passes its
// list on appends in constant time.
#include "ops/tensor_list.h"

#include "core/devices.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {

const TensorList& TensorList::of(const Tensor& t) {
  const auto* p = static_cast<const TensorList*>(t.data<Ptr>()->get());
  check(p != nullptr, "the tensor list has no value");
  return *p;
}

Tensor TensorList::wrap(std::shared_ptr<TensorList> list) {
  Tensor t(DType::kVariant, Shape{});
  *t.data<Ptr>() = std::move(list);
  return t;
}

void TensorList::check_dtype(DType asked) const {
  check(dtype == asked, "the list holds ", dtype_name(dtype), ", not ", dtype_name(asked));
}

namespace {

// Itself, or a copy on that device.
Tensor on_device(Device& device, const Tensor& t) {
  if (t.device() == device.ordinal()) return t;
  Tensor copy(device, t.dtype(), t.shape());
  copy_elements(t, copy);
  return copy;
}

}  // namespace

Tensor TensorList::element(const KernelContext& c, int64_t i, const Shape& hint) const {
  const Tensor& t = items[i];
  if (t.defined()) {
    check(t.shape().compatible_with(hint), "element ", i, " of the list has shape ", t.shape(), ", asked for ", hint);
    return on_device(c.device(), t);
  }
  Shape shape = merge(element_shape, hint);
  if (!shape.fully_defined())
    for (const Tensor& other : items)
      if (other.defined()) shape = other.shape();
  check(shape.fully_defined(), "element ", i, " of the list was never written, and its shape ", shape, " is not known");
  Tensor zeros(c.device(), dtype, shape);
  zero_run(c, dtype, zeros.raw(), zeros.num_elements());
  return zeros;
}

Shape element_shape_from(const Tensor& t) { return t.rank() == 0 ? Shape::unknown() : t.to_shape(); }

Shape element_shape_hint(InferContext& c, int i) {
  if (const Tensor* t = c.constant(i)) return element_shape_from(*t);
  return c.input(i).rank() == 1 ? c.constant_as_shape(i) : Shape::unknown();
}

namespace {

using ListPtr = TensorList::Ptr;

// The list in input i, for writing.
std::shared_ptr<TensorList> take_list(KernelContext& c, int i) {
  const Tensor t = c.take_input(i);
  TensorList::of(t);
  ListPtr& slot = *const_cast<Tensor&>(t).data<ListPtr>();
  if (t.buffer()->unique() && slot.use_count() == 1) return std::static_pointer_cast<TensorList>(std::move(slot));
  return std::make_shared<TensorList>(TensorList::of(t));
}

void resize(TensorList& list, int64_t size) {
  cpu_device().require(static_cast<size_t>(size) * sizeof(Tensor));
  list.items.resize(static_cast<size_t>(size));
}

void check_element(const TensorList& list, const Tensor& t) {
  list.check_dtype(t.dtype());
  check(list.element_shape.compatible_with(t.shape()), "the list holds elements of shape ", list.element_shape,
        ", the element has shape ", t.shape());
}

int64_t checked_index(const TensorList& list, const Tensor& index) {
  const int64_t i = index.int_at(0);
  check(i >= 0 && i < static_cast<int64_t>(list.items.size()), "index ", i, " is out of range for a list of ",
        list.items.size(), " elements");
  return i;
}

DType element_dtype(const Attrs& a) { return a.dtype("element_dtype"); }

struct Reserve {
  explicit Reserve(const Attrs& a) : dtype(element_dtype(a)) {}
  void operator()(KernelContext& c) const {
    auto list = std::make_shared<TensorList>();
    list->dtype = dtype;
    list->element_shape = element_shape_from(c.input(0));
    const int64_t n = c.input(1).int_at(0);
    check(n >= 0, "a list cannot have ", n, " elements");
    resize(*list, n);
    c.set_output(0, TensorList::wrap(std::move(list)));
  }
  DType dtype;
};

struct Empty {
  explicit Empty(const Attrs& a) : dtype(element_dtype(a)) {}
  void operator()(KernelContext& c) const {
    auto list = std::make_shared<TensorList>();
    list->dtype = dtype;
    list->element_shape = element_shape_from(c.input(0));
    c.set_output(0, TensorList::wrap(std::move(list)));
  }
  DType dtype;
};

void push_back(KernelContext& c) {
  auto list = take_list(c, 0);
  Tensor t = c.take_input(1);
  check_element(*list, t);
  list->items.push_back(std::move(t));
  c.set_output(0, TensorList::wrap(std::move(list)));
}

void pop_back(KernelContext& c) {
  auto list = take_list(c, 0);
  list->check_dtype(c.output_dtype(1));
  check(!list->items.empty(), "cannot pop from an empty list");
  Tensor t = list->element(c, static_cast<int64_t>(list->items.size()) - 1, element_shape_from(c.input(1)));
  list->items.pop_back();
  c.set_output(0, TensorList::wrap(std::move(list)));
  c.set_output(1, std::move(t));
}

void length(KernelContext& c) { *c.out<int32_t>(0) = static_cast<int32_t>(TensorList::of(c.input(0)).items.size()); }

void get_item(KernelContext& c) {
  const TensorList& list = TensorList::of(c.input(0));
  list.check_dtype(c.output_dtype(0));
  c.set_output(0, list.element(c, checked_index(list, c.input(1)), element_shape_from(c.input(2))));
}

void set_item(KernelContext& c) {
  auto list = take_list(c, 0);
  const int64_t i = checked_index(*list, c.input(1));
  Tensor t = c.take_input(2);
  check_element(*list, t);
  list->items[static_cast<size_t>(i)] = std::move(t);
  c.set_output(0, TensorList::wrap(std::move(list)));
}

void from_tensor(KernelContext& c) {
  const Tensor& t = c.input(0);
  check(t.rank() >= 1, "only a tensor of rank at least 1 can become a list, got shape ", t.shape());
  auto list = std::make_shared<TensorList>();
  list->dtype = t.dtype();
  Shape shape = t.shape();
  shape.remove_dim(0);
  list->element_shape = merge(shape, element_shape_from(c.input(1)));
  // Elements are views of one copy: n elements cost one allocation. Taking the input may empty `t`.
  Tensor whole = c.take_input(0);
  const size_t stride = static_cast<size_t>(shape.num_elements()) * dtype_size(whole.dtype());
  for (int64_t i = 0; i < whole.dim(0); ++i)
    list->items.emplace_back(whole.dtype(), shape, whole.buffer(), whole.data<char>() + static_cast<size_t>(i) * stride,
                             whole.device());
  c.set_output(0, TensorList::wrap(std::move(list)));
}

void stack(KernelContext& c) {
  const TensorList& list = TensorList::of(c.input(0));
  list.check_dtype(c.output_dtype(0));
  Shape shape = merge(list.element_shape, element_shape_from(c.input(1)));
  for (const Tensor& t : list.items)
    if (t.defined()) shape = merge(shape, t.shape());
  check(shape.fully_defined(), "cannot stack a list of ", list.items.size(), " elements of unknown shape ", shape);
  Shape out_shape = shape;
  out_shape.insert_dim(0, static_cast<int64_t>(list.items.size()));
  Tensor& out = c.allocate_output(0, out_shape);
  const size_t bytes = static_cast<size_t>(shape.num_elements()) * dtype_size(list.dtype);
  for (size_t i = 0; i < list.items.size() && shape.num_elements() > 0; ++i) {
    Tensor row(list.dtype, shape, out.buffer(), out.data<char>() + i * bytes, out.device());
    if (list.items[i].defined())
      copy_elements(list.items[i], row);
    else
      zero_run(c, list.dtype, row.raw(), row.num_elements());
  }
}

// A list as long as input 0, of elements that read as zeros.
void zeros_like(KernelContext& c) {
  const TensorList& from = TensorList::of(c.input(0));
  auto list = std::make_shared<TensorList>();
  list->dtype = from.dtype;
  list->element_shape = from.element_shape;
  for (const Tensor& t : from.items)
    if (t.defined() && !list->element_shape.fully_defined()) list->element_shape = t.shape();
  list->items.resize(from.items.size());
  c.set_output(0, TensorList::wrap(std::move(list)));
}

void clear_item(KernelContext& c) {
  auto list = take_list(c, 0);
  const auto i = static_cast<size_t>(checked_index(*list, c.input(1)));
  if (list->items[i].defined() && !list->element_shape.fully_defined()) list->element_shape = list->items[i].shape();
  list->items[i] = Tensor();
  c.set_output(0, TensorList::wrap(std::move(list)));
}

// At least `size` elements: TensorArrays of dynamic size.
void grow(KernelContext& c) {
  auto list = take_list(c, 0);
  const int64_t size = c.input(1).int_at(0);
  if (size > static_cast<int64_t>(list->items.size())) resize(*list, size);
  c.set_output(0, TensorList::wrap(std::move(list)));
}

// On the device of `a`.
Tensor sum(const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape(), "cannot add list elements of shapes ", a.shape(), " and ", b.shape());
  static const OpDef& add = Registry::get().find("AddN");
  Device& device = device_at(a.device());
  Attrs attrs;
  attrs.set("T", a.dtype());
  attrs.set("N", int64_t{2});
  const KernelFactory* kernel = Registry::get().find_kernel(add, device.kind(), attrs);
  check(kernel != nullptr, "cannot add list elements of type ", dtype_name(a.dtype()));
  Tensor slots[] = {a, on_device(device, b), Tensor(device, a.dtype(), a.shape())};
  const int32_t ids[] = {0, 1, 2};
  const DType dtype = a.dtype();
  const KernelContext::Call call{slots, ids, ids + 2, &dtype, 2, 1, 0, &device};
  KernelContext context(call);
  (*kernel)(attrs)(context);
  return slots[2];
}

// Element by element: how gradients of one list from several uses meet.
void add_lists(KernelContext& c) {
  auto list = take_list(c, 0);
  const TensorList& other = TensorList::of(c.input(1));
  other.check_dtype(list->dtype);
  check(list->items.size() == other.items.size(), "cannot add lists of ", list->items.size(), " and ",
        other.items.size(), " elements");
  for (size_t i = 0; i < list->items.size(); ++i) {
    if (!other.items[i].defined()) continue;
    list->items[i] = list->items[i].defined() ? sum(list->items[i], other.items[i]) : other.items[i];
  }
  c.set_output(0, TensorList::wrap(std::move(list)));
}

void push_shape(InferContext& c) { c.set_output(0, Shape{}); }
// Input 1 is a count or an index.
void scalar_input_shape(InferContext& c) {
  c.with_rank(1, 0);
  c.set_output(0, Shape{});
}
void pop_shape(InferContext& c) {
  c.set_output(0, Shape{});
  c.set_output(1, element_shape_hint(c, 1));
}
void item_shape(InferContext& c) {
  c.with_rank(1, 0);
  c.set_output(0, element_shape_hint(c, 2));
}
void stack_shape(InferContext& c) {
  Shape s = element_shape_hint(c, 1);
  if (s.known_rank()) {
    const int64_t n = c.attrs().integer("num_elements");
    s.insert_dim(0, n >= 0 ? n : Shape::kUnknownDim);
  }
  c.set_output(0, s);
}

template <class K>
void add(Registry& r, const char* op) {
  r.kernel<K>(op, DeviceKind::kCPU, DType::kInvalid);
}
void add(Registry& r, const char* op, void (*fn)(KernelContext&)) {
  r.kernel(op, DeviceKind::kCPU, DType::kInvalid, fn);
}

}  // namespace

void register_tensor_list(Registry& r) {
  r.op("TensorListReserve")
      .input("element_shape: shape_type")
      .input("num_elements: int32")
      .output("handle: variant")
      .attr("element_dtype: type")
      .attr("shape_type: {int32, int64}")
      .shape(scalar_input_shape)
      .dynamic_output();
  r.op("EmptyTensorList")
      .input("element_shape: shape_type")
      .input("max_num_elements: int32")
      .output("handle: variant")
      .attr("element_dtype: type")
      .attr("shape_type: {int32, int64}")
      .shape(scalar_input_shape)
      .dynamic_output();
  r.op("TensorListPushBack")
      .input("input_handle: variant")
      .input("tensor: element_dtype")
      .output("output_handle: variant")
      .attr("element_dtype: type")
      .shape(push_shape)
      .dynamic_output()
      .keeps_inputs();
  r.op("TensorListPopBack")
      .input("input_handle: variant")
      .input("element_shape: int32")
      .output("output_handle: variant")
      .output("tensor: element_dtype")
      .attr("element_dtype: type")
      .shape(pop_shape)
      .dynamic_output()
      .host_input(1);
  r.op("TensorListLength").input("input_handle: variant").output("length: int32").shape(shapes::scalar);
  r.op("TensorListGetItem")
      .input("input_handle: variant")
      .input("index: int32")
      .input("element_shape: int32")
      .output("item: element_dtype")
      .attr("element_dtype: type")
      .shape(item_shape)
      .dynamic_output()
      .host_input(1)
      .host_input(2);
  r.op("TensorListSetItem")
      .input("input_handle: variant")
      .input("index: int32")
      .input("item: element_dtype")
      .output("output_handle: variant")
      .attr("element_dtype: type")
      .shape(scalar_input_shape)
      .dynamic_output()
      .keeps_inputs()
      .host_input(1);
  r.op("TensorListFromTensor")
      .input("tensor: element_dtype")
      .input("element_shape: shape_type")
      .output("output_handle: variant")
      .attr("element_dtype: type")
      .attr("shape_type: {int32, int64}")
      .shape(push_shape)
      .dynamic_output()
      .keeps_inputs()
      .host_input(1);
  r.op("TensorListStack")
      .input("input_handle: variant")
      .input("element_shape: int32")
      .output("tensor: element_dtype")
      .attr("element_dtype: type")
      .attr("num_elements: int = -1")
      .shape(stack_shape)
      .dynamic_output()
      .host_input(1);
  r.op("_TensorListZerosLike").input("handle: variant").output("zeros: variant").shape(push_shape).dynamic_output();
  r.op("_TensorListClearItem")
      .input("input_handle: variant")
      .input("index: int32")
      .output("output_handle: variant")
      .shape(scalar_input_shape)
      .dynamic_output();
  r.op("_TensorListAdd")
      .input("a: variant")
      .input("b: variant")
      .output("sum: variant")
      .shape(push_shape)
      .dynamic_output();
  r.op("_TensorListGrow")
      .input("input_handle: variant")
      .input("size: int32")
      .output("output_handle: variant")
      .shape(scalar_input_shape)
      .dynamic_output();
  add(r, "_TensorListGrow", grow);
  add(r, "_TensorListZerosLike", zeros_like);
  add(r, "_TensorListClearItem", clear_item);
  add(r, "_TensorListAdd", add_lists);
  add<Reserve>(r, "TensorListReserve");
  add<Empty>(r, "EmptyTensorList");
  any_device_kernel(r, "TensorListPushBack", push_back);
  any_device_kernel(r, "TensorListPopBack", pop_back);
  add(r, "TensorListLength", length);
  any_device_kernel(r, "TensorListGetItem", get_item);
  any_device_kernel(r, "TensorListSetItem", set_item);
  any_device_kernel(r, "TensorListFromTensor", from_tensor);
  any_device_kernel(r, "TensorListStack", stack);
}

}  // namespace tfmini

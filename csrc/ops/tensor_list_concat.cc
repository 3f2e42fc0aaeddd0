// Lists of tensors joined along the first axis, and tensors cut into lists. Unlike those of TensorListStack the
// elements may differ in length.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"
#include "ops/tensor_list.h"

namespace tfmini {
namespace {

// The shape of an element but for its length, which input i gives too.
Shape row_shape(Shape element) {
  if (!element.known_rank()) return element;
  check(element.rank() >= 1, "elements must have rank at least 1 to be concatenated, got shape ", element);
  element.remove_dim(0);
  return element;
}

Shape with_length(int64_t length, Shape row) {
  if (row.known_rank()) row.insert_dim(0, length);
  return row;
}

void concat_shape(InferContext& c) {
  c.set_output(0, with_length(Shape::kUnknownDim, row_shape(element_shape_hint(c, 1))));
  c.set_output(1, Shape{Shape::kUnknownDim});
}

void concat(KernelContext& c) {
  const TensorList& list = TensorList::of(c.input(0));
  list.check_dtype(c.output_dtype(0));
  const Shape hint = element_shape_from(c.input(1));
  const Tensor& known = c.input(2);  // lengths of elements that were never written
  const auto count = static_cast<int64_t>(list.items.size());
  std::vector<Tensor> elements;
  Tensor lengths(DType::kInt64, Shape{count});
  Shape row = merge(row_shape(list.element_shape), row_shape(hint));
  int64_t rows = 0;
  for (int64_t i = 0; i < count; ++i) {
    Shape expected = hint;
    if (!list.items[static_cast<size_t>(i)].defined() && i < known.num_elements())
      expected = merge(hint, with_length(known.int_at(i), row));
    elements.push_back(list.element(c, i, expected));
    row = merge(row, row_shape(elements.back().shape()));
    lengths.data<int64_t>()[i] = elements.back().dim(0);
    rows = add_dims(rows, elements.back().dim(0));
  }
  check(row.fully_defined(), "cannot concatenate a list of ", count, " elements of unknown shape");
  Tensor& out = c.allocate_output(0, with_length(rows, row));
  char* to = out.data<char>();
  for (const Tensor& t : elements) {
    Tensor part(list.dtype, t.shape(), out.buffer(), to, out.device());
    copy_elements(t, part);
    to += t.num_elements() * static_cast<int64_t>(dtype_size(list.dtype));
  }
  copy_elements(lengths, c.allocate_output(1, Shape{count}));
}

void split_shape(InferContext& c) {
  c.with_rank_at_least(0, 1);
  c.with_rank(2, 1);
  c.set_output(0, Shape{});
}

void split(KernelContext& c) {
  Shape row = c.input(0).shape();
  const int64_t rows = row[0];
  row.remove_dim(0);
  const Tensor lengths = c.input(2);
  auto list = std::make_shared<TensorList>();
  list->dtype = c.input(0).dtype();
  list->element_shape = merge(with_length(Shape::kUnknownDim, row), element_shape_from(c.input(1)));
  int64_t total = 0;
  for (int64_t i = 0; i < lengths.num_elements(); ++i) {
    check(lengths.int_at(i) >= 0, "lengths[", i, "] = ", lengths.int_at(i), " is negative");
    total = add_dims(total, lengths.int_at(i));
  }
  check(total == rows, "the lengths add up to ", total, ", but the tensor has ", rows, " rows");
  // Elements are views of one copy, as those of TensorListFromTensor.
  const Tensor whole = c.take_input(0);
  char* from = const_cast<Tensor&>(whole).data<char>();
  for (int64_t i = 0; i < lengths.num_elements(); ++i) {
    const Shape shape = with_length(lengths.int_at(i), row);
    check(list->element_shape.compatible_with(shape), "element ", i, " has shape ", shape, ", expected ",
          list->element_shape);
    list->items.emplace_back(whole.dtype(), shape, whole.buffer(), from, whole.device());
    from += shape.num_elements() * static_cast<int64_t>(dtype_size(whole.dtype()));
  }
  c.set_output(0, TensorList::wrap(std::move(list)));
}

}  // namespace

void register_tensor_list_concat(Registry& r) {
  r.op("TensorListConcatV2")
      .input("input_handle: variant")
      .input("element_shape: shape_type")
      .input("leading_dims: int64")
      .output("tensor: element_dtype")
      .output("lengths: int64")
      .attr("element_dtype: type")
      .attr("shape_type: {int32, int64}")
      .shape(concat_shape)
      .dynamic_output()
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "TensorListConcatV2", concat);
  r.op("TensorListSplit")
      .input("tensor: element_dtype")
      .input("element_shape: shape_type")
      .input("lengths: int64")
      .output("output_handle: variant")
      .attr("element_dtype: type")
      .attr("shape_type: {int32, int64}")
      .shape(split_shape)
      .dynamic_output()
      .keeps_inputs()
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "TensorListSplit", split);
}

}  // namespace tfmini

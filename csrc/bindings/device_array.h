// Arrays that stay on a GPU: fed ones of other libraries, and fetched ones as tf.DeviceArray.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/tensor.h"

namespace tfmini {

namespace py = pybind11;

// What was lent for a run; given back (its owner's queue waits for ours, or we wait) when it is destroyed.
using Loans = std::vector<std::shared_ptr<void>>;

// `value` as a tensor over its own memory if it lies on one of these GPUs (Device::ordinal()s): a DeviceArray, or
// anything with __cuda_array_interface__ or __dlpack__. Throws TypeError for another dtype than `dtype` and ValueError
// for strides.
std::optional<Tensor> borrow_from_gpu(py::handle value, DType dtype, const std::vector<uint8_t>& gpus, Loans& loans);

py::object make_device_array(Tensor tensor);

}  // namespace tfmini

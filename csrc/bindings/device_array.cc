#include "bindings/device_array.h"

#include <algorithm>
#include <optional>

#include "bindings/dlpack.h"
#include "bindings/module.h"
#include "bindings/numpy.h"
#include "core/devices.h"

namespace tfmini {
namespace {

// A fetched tensor that stayed where it was made.
//
// Other libraries are told the queue it was made on, and work with it on theirs. What they do there is not known here,
// so memory that has been shown to one goes back only when the device has finished everything.
class DeviceArray {
 public:
  explicit DeviceArray(Tensor tensor) : tensor_(std::move(tensor)) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() {
    if (shown_) finish_all(tensor_);
  }

  const Tensor& tensor() const { return tensor_; }
  Device& device() const { return device_at(tensor_.device()); }

  py::tuple shape() const {
    py::tuple out(static_cast<size_t>(tensor_.rank()));
    for (int i = 0; i < tensor_.rank(); ++i) out[static_cast<size_t>(i)] = tensor_.dim(i);
    return out;
  }
  py::object dtype() const { return py::reinterpret_borrow<py::object>(numpy_descr(tensor_.dtype())); }

  py::object numpy() const {
    Tensor host(tensor_.dtype(), tensor_.shape());
    {
      const py::gil_scoped_release release;
      copy_elements(tensor_, host);
    }
    return numpy_from_tensor(std::move(host));
  }

  py::dict cuda_array_interface() {
    if (tensor_.dtype() == DType::kBFloat16)
      throw py::attribute_error("__cuda_array_interface__ has no bfloat16; use DLPack (from_dlpack)");
    shown_ = true;
    py::dict d;
    d["shape"] = shape();
    d["typestr"] = dtype().attr("str");
    d["data"] = py::make_tuple(reinterpret_cast<uintptr_t>(tensor_.raw()), false);
    d["strides"] = py::none();
    d["version"] = 3;
    d["stream"] = device().queue_handle();
    return d;
  }

  // The consumer's stream waits for ours; none means the legacy default stream, -1 that it takes care itself.
  py::capsule to_dlpack(const py::object& stream) {
    const auto type = dlpack::from_dtype(tensor_.dtype());
    if (!type) throw py::type_error(std::string("DLPack has no ") + dtype_name(tensor_.dtype()));
    const auto queue = stream.is_none() ? int64_t{1} : stream.cast<int64_t>();
    if (queue == 0)
      throw py::value_error("stream 0 is ambiguous: pass 1 for the legacy default stream, 2 for the thread's");
    if (queue != -1) device().let_wait(static_cast<uintptr_t>(queue));
    struct Lent {
      dlpack::ManagedTensor managed;
      Tensor tensor;
    };
    auto lent = std::make_unique<Lent>();
    lent->tensor = tensor_;
    lent->managed.tensor = {lent->tensor.raw(),
                            {dlpack::kCUDA, device().index()},
                            tensor_.rank(),
                            *type,
                            const_cast<int64_t*>(lent->tensor.shape().data()),
                            nullptr,
                            0};
    lent->managed.manager = lent.get();
    lent->managed.deleter = [](dlpack::ManagedTensor* m) {
      auto* taken = static_cast<Lent*>(m->manager);
      finish_all(taken->tensor);
      delete taken;
    };
    PyObject* capsule = PyCapsule_New(&lent->managed, dlpack::kFresh, [](PyObject* c) {
      if (!PyCapsule_IsValid(c, dlpack::kFresh)) return;  // taken: its taker frees it
      auto* m = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(c, dlpack::kFresh));
      m->deleter(m);
    });
    if (!capsule) throw py::error_already_set();
    static_cast<void>(lent.release());
    return py::reinterpret_steal<py::capsule>(capsule);
  }

 private:
  static void finish_all(const Tensor& t) {
    try {
      device_at(t.device()).synchronize_all();
    } catch (const Error&) {
      // Somebody's kernel failed; they learn it from their own calls.
    }
  }

  Tensor tensor_;
  bool shown_ = false;
};

std::string type_name(py::handle o) { return Py_TYPE(o.ptr())->tp_name; }

void require_gpu(uint8_t device, const std::vector<uint8_t>& gpus) {
  if (std::find(gpus.begin(), gpus.end(), device) == gpus.end())
    throw py::value_error("the array is on " + device_at(device).name() +
                          ", which this session does not use (see gpu_options.visible_device_list)");
}

// Kernels read vectors of 16 bytes: what lies oddly is copied on the device.
Tensor aligned(Tensor t) {
  return reinterpret_cast<uintptr_t>(t.raw()) % 16 == 0 || t.num_elements() == 0 ? t : t.clone();
}

template <class Strides>
void require_row_major(const Shape& shape, const Strides& strides, int64_t unit, const std::string& owner) {
  int64_t expected = unit;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] > 1 && strides(i) != expected)
      throw py::value_error("a " + owner + " with strides is fed; make it contiguous first");
    expected *= shape[i];
  }
}

Tensor from_interface(py::handle value, const py::dict& d, DType dtype, const std::vector<uint8_t>& gpus,
                      Loans& loans) {
  const py::dtype given(d["typestr"].cast<std::string>());
  if (dtype_from_numpy(given.ptr()) != dtype)
    throw py::type_error("a " + type_name(value) + " of dtype " + py::str(given).cast<std::string>() + " is fed for " +
                         dtype_name(dtype) + "; cast it first");
  Shape shape;
  for (py::handle dim : d["shape"]) shape.add_dim(dim.cast<int64_t>());
  if (d.contains("strides") && !d["strides"].is_none()) {
    const auto strides = d["strides"].cast<py::tuple>();
    require_row_major(
        shape, [&](int i) { return strides[static_cast<size_t>(i)].cast<int64_t>(); },
        static_cast<int64_t>(dtype_size(dtype)), type_name(value));
  }
  auto* data = reinterpret_cast<void*>(d["data"].cast<py::tuple>()[0].cast<uintptr_t>());
  if (shape.num_elements() == 0) return Tensor(device_at(gpus[0]), dtype, shape);
  const uint8_t ordinal = device_of(data);
  require_gpu(ordinal, gpus);
  Device& device = device_at(ordinal);
  // Before version 3 arrays could not say: they were made, and will be used, on the legacy default stream.
  constexpr uintptr_t kLegacyStream = 1;
  std::optional<uintptr_t> queue;
  if (d.contains("stream") && !d["stream"].is_none())
    queue = d["stream"].cast<uintptr_t>();
  else if (!d.contains("version") || d["version"].cast<int>() < 3)
    queue = kLegacyStream;
  if (queue) device.wait_for(*queue);
  // Without a stream nothing more is queued on it, and the memory may be reused as soon as the run returns.
  loans.emplace_back(nullptr, [&device, queue](void*) {
    if (queue)
      device.let_wait(*queue);
    else
      device.synchronize();
  });
  return aligned(Tensor(dtype, shape, BufferRef(), data, ordinal));
}

Tensor from_dlpack(py::handle value, int index, DType dtype, const std::vector<uint8_t>& gpus, Loans& loans) {
  const auto ordinal = static_cast<uint8_t>(index + 1);
  require_gpu(ordinal, gpus);
  Device& device = device_at(ordinal);
  const py::object capsule = value.attr("__dlpack__")(py::arg("stream") = device.queue_handle());
  auto* m = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), dlpack::kFresh));
  if (!m) throw py::error_already_set();
  const dlpack::Tensor& t = m->tensor;
  if (!dlpack::is_dtype(t.dtype, dtype))
    throw py::type_error("a " + type_name(value) + " of another dtype is fed for " + dtype_name(dtype) +
                         "; cast it first");
  const Shape shape(t.shape, t.ndim);
  if (t.strides) require_row_major(shape, [&](int i) { return t.strides[i]; }, 1, type_name(value));
  PyCapsule_SetName(capsule.ptr(), dlpack::kTaken);
  // Its owner is not told when our kernels have read it: they must have, before it is given back.
  loans.emplace_back(nullptr, [&device, m](void*) {
    device.synchronize();
    if (m->deleter) m->deleter(m);
  });
  return aligned(Tensor(dtype, shape, BufferRef(), static_cast<char*>(t.data) + t.byte_offset, ordinal));
}

}  // namespace

std::optional<Tensor> borrow_from_gpu(py::handle value, DType dtype, const std::vector<uint8_t>& gpus, Loans& loans) {
  if (py::isinstance<DeviceArray>(value)) {
    const Tensor& t = value.cast<DeviceArray&>().tensor();
    if (t.dtype() != dtype)
      throw py::type_error(std::string("a DeviceArray of ") + dtype_name(t.dtype()) + " is fed for " +
                           dtype_name(dtype));
    require_gpu(t.device(), gpus);
    return t;
  }
  const py::object interface = py::getattr(value, "__cuda_array_interface__", py::none());
  const bool is_dict = py::isinstance<py::dict>(interface);
  const bool ordered = is_dict && py::dict(interface).contains("stream") && !interface["stream"].is_none();
  // Of the two protocols the one that says how queues wait for each other.
  if (!ordered && py::hasattr(value, "__dlpack_device__")) {
    const auto place = value.attr("__dlpack_device__")().cast<py::tuple>();
    if (place[0].cast<int>() == dlpack::kCUDA) return from_dlpack(value, place[1].cast<int>(), dtype, gpus, loans);
    return std::nullopt;
  }
  if (is_dict) return from_interface(value, interface, dtype, gpus, loans);
  return std::nullopt;
}

py::object make_device_array(Tensor tensor) { return py::cast(std::make_unique<DeviceArray>(std::move(tensor))); }

void bind_device_arrays(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray",
                          "A fetched tensor that stays on its GPU; np.asarray(a) copies it to the host.")
      .def_property_readonly("shape", &DeviceArray::shape)
      .def_property_readonly("dtype", &DeviceArray::dtype)
      .def_property_readonly("ndim", [](const DeviceArray& a) { return a.tensor().rank(); })
      .def_property_readonly("size", [](const DeviceArray& a) { return a.tensor().num_elements(); })
      .def_property_readonly("nbytes", [](const DeviceArray& a) { return a.tensor().bytes(); })
      .def_property_readonly("device", [](const DeviceArray& a) { return a.device().name(); })
      .def("numpy", &DeviceArray::numpy)
      .def(
          "__array__",
          [](const DeviceArray& a, const py::object& dtype, const py::object&) {
            py::object array = a.numpy();
            return dtype.is_none() ? array : array.attr("astype")(dtype);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def_property_readonly("__cuda_array_interface__", &DeviceArray::cuda_array_interface)
      .def(
          "__dlpack__", [](DeviceArray& a, const py::object& stream, const py::kwargs&) { return a.to_dlpack(stream); },
          py::kw_only(), py::arg("stream") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) { return py::make_tuple(static_cast<int>(dlpack::kCUDA), a.device().index()); })
      .def("__repr__", [](const DeviceArray& a) {
        return "<tf.DeviceArray shape=" + py::repr(a.shape()).cast<std::string>() +
               " dtype=" + py::str(a.dtype()).cast<std::string>() + " on " + a.device().name() + ">";
      });
}

}  // namespace tfmini

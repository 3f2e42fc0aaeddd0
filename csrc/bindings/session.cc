// Session.run: finds or makes the plan for (fetches, feeds, feed shapes), binds arrays to slots,
// runs without the GIL, and hands the results out as arrays.
#include "runtime/session.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "bindings/attr.h"
#include "bindings/device_array.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/numpy.h"
#include "bindings/session_options.h"
#include "core/interrupt.h"
#include "core/parallel.h"
#include "runtime/executor.h"

namespace tfmini {
namespace {

using npy = py::detail::npy_api;

// The structure of a call, as a sequence of pointers: markers for containers, identities of the
// objects inside. Equal sequences mean equal calls, since an entry keeps its objects alive.
using CallKey = std::vector<const void*>;

struct CallKeyHash {
  size_t operator()(const CallKey& key) const {
    size_t h = 0x9e3779b97f4a7c15u;
    for (const void* p : key) h = (h ^ reinterpret_cast<size_t>(p)) * 0x100000001b3u;
    return h;
  }
};

enum Marker : size_t { kList = 1, kTuple, kNamedTuple, kDict, kFeeds, kOnDevice };

const void* marker(Marker m, Py_ssize_t size) {
  return reinterpret_cast<const void*>(static_cast<size_t>(size) << 8 | m);
}

void append_structure(PyObject* o, CallKey& key) {
  if (PyList_Check(o)) {
    key.push_back(marker(kList, PyList_GET_SIZE(o)));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(o); ++i) append_structure(PyList_GET_ITEM(o, i), key);
  } else if (PyTuple_Check(o)) {
    key.push_back(marker(PyTuple_CheckExact(o) ? kTuple : kNamedTuple, PyTuple_GET_SIZE(o)));
    if (!PyTuple_CheckExact(o)) key.push_back(Py_TYPE(o));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) append_structure(PyTuple_GET_ITEM(o, i), key);
  } else if (PyDict_Check(o)) {
    key.push_back(marker(kDict, PyDict_GET_SIZE(o)));
    key.push_back(Py_TYPE(o));
    PyObject *k, *v;
    Py_ssize_t pos = 0;
    while (PyDict_Next(o, &pos, &k, &v)) {
      key.push_back(k);
      append_structure(v, key);
    }
  } else {
    key.push_back(o);
  }
}

// Keeps every object whose address is in a key alive.
void append_references(PyObject* o, std::vector<py::object>& refs) {
  const auto keep = [&](PyObject* p) { refs.push_back(py::reinterpret_borrow<py::object>(p)); };
  if (PyList_Check(o)) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(o); ++i) append_references(PyList_GET_ITEM(o, i), refs);
  } else if (PyTuple_Check(o)) {
    keep(reinterpret_cast<PyObject*>(Py_TYPE(o)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) append_references(PyTuple_GET_ITEM(o, i), refs);
  } else if (PyDict_Check(o)) {
    keep(reinterpret_cast<PyObject*>(Py_TYPE(o)));
    PyObject *k, *v;
    Py_ssize_t pos = 0;
    while (PyDict_Next(o, &pos, &k, &v)) {
      keep(k);
      append_references(v, refs);
    }
  } else {
    keep(o);
  }
}

struct Feed {
  Out tensor;
  DType dtype;
  PyObject* descr;  // NumPy's own object for the native dtype: identity is a fast check
  Shape static_shape;
  py::object key;  // what the program used as the key, for messages
};

// One way of calling run(): resolved once, reused while the same objects are fetched and fed.
struct Entry {
  std::vector<py::object> references;
  Request request;  // without feed shapes
  std::vector<Feed> feeds;
  py::object result;  // the nested result with fetch numbers for leaves; -1 stands for None
  struct Variant {
    std::vector<Shape> shapes;
    std::vector<uint8_t> devices;
    std::shared_ptr<const Plan> plan;
  };
  std::vector<Variant> variants;  // most recently used first
};

// What fed tensors borrow from, until the run is over.
struct Kept {
  std::vector<py::object> objects;
  Loans loans;
};

class PySession {
 public:
  // resolve(fetches, feed_keys) -> (fetch tensors, target ops, [(node, index, dtype, key)], result)
  // convert(key, value, dtype) -> array of that dtype, or raises
  PySession(std::shared_ptr<Graph> graph, const py::dict& options, py::object resolve, py::object convert)
      : session_(std::make_shared<Session>(std::move(graph), session_options(options))),
        resolve_(std::move(resolve)),
        convert_(std::move(convert)) {}

  // on_device: fetched tensors stay where they are made.
  py::object run(py::handle fetches, py::handle feed_dict, bool on_device) {
    const std::shared_ptr<Session> session = open();  // close() in another thread must not pull it away
    const std::shared_ptr<Entry> entry = find(fetches, feed_dict, on_device);
    std::vector<PyObject*> values(entry->feeds.size());
    if (!feed_dict.is_none()) {
      PyObject *k, *v;
      Py_ssize_t pos = 0;
      for (size_t i = 0; i < values.size() && PyDict_Next(feed_dict.ptr(), &pos, &k, &v); ++i) values[i] = v;
    }
    return call(*session, *entry, values);
  }

  // For make_callable: the entry for these fetches and feed keys, then calls with positional values.
  size_t prepare(py::handle fetches, const py::dict& feeds, bool on_device) {
    open();
    prepared_.push_back(find(fetches, feeds, on_device));
    return prepared_.size() - 1;
  }
  py::object call_prepared(size_t index, const py::tuple& args) {
    const std::shared_ptr<Session> session = open();
    const std::shared_ptr<Entry> entry = prepared_.at(index);
    if (args.size() != entry->feeds.size())
      throw py::type_error("expected " + std::to_string(entry->feeds.size()) + " feed values, got " +
                           std::to_string(args.size()));
    std::vector<PyObject*> values;
    for (py::handle v : args) values.push_back(v.ptr());
    return call(*session, *entry, values);
  }

  std::string describe(py::handle fetches, py::handle feed_dict) {
    const auto session = open();
    const std::shared_ptr<Entry> entry = find(fetches, feed_dict, false);
    std::vector<PyObject*> values;
    Kept keep;
    if (!feed_dict.is_none())
      for (auto [k, v] : py::reinterpret_borrow<py::dict>(feed_dict)) values.push_back(v.ptr());
    std::vector<Tensor> feeds = bind(*entry, values, keep);
    return plan_for(*session, *entry, feeds)->str();
  }

  void close() {
    entries_.clear();  // with their plans: the session returns all memory when it goes
    prepared_.clear();
    last_ = nullptr;
    session_.reset();
  }

 private:
  std::shared_ptr<Session> open() {
    if (!session_) {
      PyErr_SetString(PyExc_RuntimeError, "Attempted to use a closed Session.");
      throw py::error_already_set();
    }
    return session_;
  }

  // Shared: another thread may empty the cache while this call runs Python code or waits for the GIL.
  std::shared_ptr<Entry> find(py::handle fetches, py::handle feed_dict, bool on_device) {
    scratch_.clear();
    if (on_device) scratch_.push_back(marker(kOnDevice, 0));
    append_structure(fetches.ptr(), scratch_);
    if (!feed_dict.is_none()) {
      if (!PyDict_Check(feed_dict.ptr())) throw py::type_error("feed_dict must be a dict, got " + type_name(feed_dict));
      scratch_.push_back(marker(kFeeds, PyDict_GET_SIZE(feed_dict.ptr())));
      PyObject *k, *v;
      Py_ssize_t pos = 0;
      while (PyDict_Next(feed_dict.ptr(), &pos, &k, &v)) scratch_.push_back(k);
    }
    if (last_ && last_->first == scratch_) return last_->second;
    auto it = entries_.find(scratch_);
    if (it == entries_.end()) {
      CallKey key = scratch_;  // resolve() may run Python code that comes back here
      auto entry = make_entry(fetches, feed_dict);
      if (on_device) entry->request.fetch_devices.assign(entry->request.fetches.size(), Request::kAnywhere);
      if (entries_.size() >= kMaxEntries) entries_.clear();
      it = entries_.emplace(std::move(key), std::move(entry)).first;
    }
    last_ = &*it;
    return it->second;
  }

  std::shared_ptr<Entry> make_entry(py::handle fetches, py::handle feed_dict) {
    auto entry = std::make_shared<Entry>();
    append_references(fetches.ptr(), entry->references);
    py::list keys;
    if (!feed_dict.is_none())
      for (auto [k, v] : py::reinterpret_borrow<py::dict>(feed_dict)) {
        keys.append(k);
        entry->references.push_back(py::reinterpret_borrow<py::object>(k));
      }
    const py::tuple resolved = resolve_(fetches, keys);
    for (py::handle t : resolved[0]) {
      const auto [node, index] = t.cast<std::pair<int32_t, int32_t>>();
      entry->request.fetches.push_back({node, index});
    }
    for (py::handle t : resolved[1]) entry->request.targets.push_back(t.cast<int32_t>());
    for (py::handle f : resolved[2]) {
      const auto t = f.cast<py::tuple>();
      Feed feed;
      feed.tensor = {t[0].cast<int32_t>(), t[1].cast<int32_t>()};
      feed.dtype = static_cast<DType>(t[2].cast<int>());
      feed.descr = feed.dtype == DType::kString ? nullptr : numpy_descr(feed.dtype);
      feed.static_shape = session_->graph().shape(feed.tensor);
      feed.key = t[3];
      entry->request.feeds.push_back(feed.tensor);
      entry->feeds.push_back(std::move(feed));
    }
    entry->result = resolved[3];
    return entry;
  }

  // The value as a tensor over the array's memory; `keep` holds what the tensor borrows from.
  Tensor bind_one(const Feed& feed, PyObject* value, Kept& keep) {
    if (Py_TYPE(value) == npy::get().PyArray_Type_) [[likely]] {
      const auto* a = py::detail::array_proxy(value);
      constexpr int kPlain = npy::NPY_ARRAY_C_CONTIGUOUS_ | npy::NPY_ARRAY_ALIGNED_;
      if (a->descr == feed.descr && (a->flags & kPlain) == kPlain && a->nd <= Shape::kMaxRank)
        return Tensor(feed.dtype, Shape(reinterpret_cast<const int64_t*>(a->dimensions), a->nd), BufferRef(), a->data);
    }
    if (const auto& gpus = session_->options().passes.gpus; !gpus.empty())
      if (std::optional<Tensor> t = borrow_from_gpu(value, feed.dtype, gpus, keep.loans)) return *std::move(t);
    py::object array = convert_(feed.key, py::handle(value), static_cast<int>(feed.dtype));
    Tensor t = tensor_from_numpy(array);
    keep.objects.push_back(std::move(array));
    if (t.dtype() == DType::kString || t.raw() != py::reinterpret_borrow<py::array>(keep.objects.back()).data())
      return t;
    return Tensor(t.dtype(), t.shape(), BufferRef(), t.raw());
  }

  std::vector<Tensor> bind(const Entry& entry, const std::vector<PyObject*>& values, Kept& keep) {
    std::vector<Tensor> feeds;
    feeds.reserve(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const Feed& feed = entry.feeds[i];
      feeds.push_back(bind_one(feed, values[i], keep));
      if (!feed.static_shape.compatible_with(feeds[i].shape())) [[unlikely]]
        wrong_shape(feed, feeds[i].shape());
    }
    return feeds;
  }

  [[noreturn]] void wrong_shape(const Feed& feed, const Shape& shape) {
    const auto text = [](const Shape& s) { return py::str(shape_to_python(s)).cast<std::string>(); };
    throw py::value_error("Cannot feed value of shape " + text(shape) + " for Tensor " +
                          py::repr(feed.key).cast<std::string>() + ", which has shape " + text(feed.static_shape));
  }

  std::shared_ptr<const Plan> plan_for(Session& session, Entry& entry, const std::vector<Tensor>& feeds) {
    auto& variants = entry.variants;
    const auto fits = [&](const Entry::Variant& v) {
      for (size_t i = 0; i < feeds.size(); ++i)
        if (v.shapes[i] != feeds[i].shape() || v.devices[i] != feeds[i].device()) return false;
      return true;
    };
    if (!variants.empty() && fits(variants[0])) [[likely]]
      return variants[0].plan;
    const auto it = std::find_if(variants.begin(), variants.end(), fits);
    if (it != variants.end()) {
      std::rotate(variants.begin(), it, it + 1);
    } else {
      Request request = entry.request;
      for (const Tensor& t : feeds) {
        request.feed_shapes.push_back(t.shape());
        request.feed_devices.push_back(t.device());
      }
      std::vector<Shape> shapes = request.feed_shapes;
      std::vector<uint8_t> devices = request.feed_devices;
      auto plan = session.plan(request);
      if (variants.size() >= kMaxVariants) variants.pop_back();
      variants.insert(variants.begin(), {std::move(shapes), std::move(devices), std::move(plan)});
    }
    return variants[0].plan;
  }

  py::object call(Session& session, Entry& entry, const std::vector<PyObject*>& values) {
    Kept keep;
    for (PyObject* v : values) keep.objects.push_back(py::reinterpret_borrow<py::object>(v));
    const std::vector<Tensor> feeds = bind(entry, values, keep);
    const std::shared_ptr<const Plan> plan = plan_for(session, entry, feeds);
    const py::object result = entry.result;  // the entry may be dropped while the GIL is released
    std::vector<Tensor> outputs;
    // The exception a signal handler raised (KeyboardInterrupt), carried out of the run loop.
    std::optional<py::error_already_set> raised;
    try {
      const ReleaseGil release;
      const CancelScope cancel([&raised] {
        wait_out_the_end();
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) raised.emplace();
        return raised.has_value();
      });
      outputs = session.run(*plan, feeds);
    } catch (const Error&) {
      if (raised) throw std::move(*raised);
      throw;
    }
    if (PyLong_CheckExact(result.ptr()) && outputs.size() == 1) return numpy_value(std::move(outputs[0]));
    std::vector<py::object> arrays;
    arrays.reserve(outputs.size());
    for (Tensor& t : outputs) arrays.push_back(numpy_value(std::move(t)));
    return build(result, arrays);
  }

  // A tensor fetched twice is one array in both places, as in TensorFlow.
  static py::object build(py::handle shape, const std::vector<py::object>& values) {
    PyObject* o = shape.ptr();
    if (PyLong_CheckExact(o)) {
      const long i = PyLong_AsLong(o);
      return i < 0 ? py::none() : values[static_cast<size_t>(i)];
    }
    if (PyList_CheckExact(o)) {
      const Py_ssize_t n = PyList_GET_SIZE(o);
      auto out = py::reinterpret_steal<py::object>(PyList_New(n));
      for (Py_ssize_t i = 0; i < n; ++i)
        PyList_SET_ITEM(out.ptr(), i, build(PyList_GET_ITEM(o, i), values).release().ptr());
      return out;
    }
    // (callable, parts): dicts, named tuples, sparse values; the callable puts them together.
    const auto pair = py::reinterpret_borrow<py::tuple>(shape);
    return pair[0](*py::reinterpret_borrow<py::list>(build(pair[1], values)));
  }

  // Scalars come out as NumPy scalars, as in TensorFlow.
  static py::object numpy_value(Tensor t) {
    if (!t.on_host()) return make_device_array(std::move(t));
    py::object array = numpy_from_tensor(std::move(t));
    if (PyBytes_Check(array.ptr()) || py::detail::array_proxy(array.ptr())->nd != 0) return array;
    return py::reinterpret_steal<py::object>(PyObject_GetItem(array.ptr(), py::tuple().ptr()));
  }

  static std::string type_name(py::handle o) { return Py_TYPE(o.ptr())->tp_name; }

  static constexpr size_t kMaxEntries = 1024;
  static constexpr size_t kMaxVariants = 64;

  std::shared_ptr<Session> session_;
  py::object resolve_, convert_;
  std::unordered_map<CallKey, std::shared_ptr<Entry>, CallKeyHash> entries_;
  std::vector<std::shared_ptr<Entry>> prepared_;
  const std::pair<const CallKey, std::shared_ptr<Entry>>* last_ = nullptr;
  CallKey scratch_;
};

}  // namespace

void bind_session(py::module_& m) {
  py::class_<PySession>(m, "Session")
      .def(py::init<std::shared_ptr<Graph>, const py::dict&, py::object, py::object>())
      .def("run", &PySession::run, py::arg("fetches"), py::arg("feed_dict"), py::arg("on_device") = false)
      .def("prepare", &PySession::prepare)
      .def("call_prepared", &PySession::call_prepared)
      .def("describe", &PySession::describe)
      .def("close", &PySession::close);
}

}  // namespace tfmini

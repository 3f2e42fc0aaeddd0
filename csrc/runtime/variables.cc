#include "runtime/variables.h"

#include <algorithm>

namespace tfmini {

Shape Variable::current_shape() const {
  if (shape_.fully_defined()) return shape_;
  std::lock_guard lock(mutex_);
  return value_.defined() ? value_.shape() : shape_;
}

bool Variable::initialized() const {
  std::lock_guard lock(mutex_);
  return value_.defined();
}

Tensor Variable::read() const {
  std::lock_guard lock(mutex_);
  if (!value_.defined()) [[unlikely]]
    uninitialized();
  return value_;
}

void Variable::assign(Tensor value) {
  std::lock_guard lock(mutex_);
  std::swap(value_, value);  // the old value is freed after the lock is released
}

void Variable::copy(const Tensor& value) {
  {
    std::lock_guard lock(mutex_);
    if (value_.defined() && value_.on_host() && value.on_host() && value_.shape() == value.shape() &&
        value_.buffer()->unique()) {
      copy_elements(value, value_);
      return;
    }
  }
  assign(value.clone());
}

void Variable::clear() { assign(Tensor()); }

void Variable::uninitialized() const {
  fail(Code::kFailedPrecondition, "Attempting to use uninitialized value ", name_,
       "; run its initializer first (tf.global_variables_initializer(), or Saver.restore)");
}

namespace {
thread_local bool is_recording = false;
}

RecordingScope::RecordingScope() { is_recording = true; }
RecordingScope::~RecordingScope() { is_recording = false; }

VariableUpdate::VariableUpdate(std::vector<Variable*> variables)
    : variables_(std::move(variables)), locked_(variables_) {
  // A global order (addresses) keeps concurrent updates of overlapping sets from deadlocking.
  std::sort(locked_.begin(), locked_.end());
  locked_.erase(std::unique(locked_.begin(), locked_.end()), locked_.end());
  for (Variable* v : locked_) v->mutex_.lock();
  for (Variable* v : variables_)
    if (!v->value_.defined()) {
      for (Variable* l : locked_) l->mutex_.unlock();
      v->uninitialized();
    }
}

VariableUpdate::VariableUpdate(Variable& variable) : one_(&variable) {
  variable.mutex_.lock();
  if (variable.value_.defined()) [[likely]]
    return;
  variable.mutex_.unlock();
  variable.uninitialized();
}

VariableUpdate::~VariableUpdate() {
  if (one_) one_->mutex_.unlock();
  for (Variable* v : locked_) v->mutex_.unlock();
}

Tensor& VariableUpdate::operator[](int i) {
  Tensor& value = at(i).value_;
  // Nobody can take a new reference while the lock is held, so unique() stays true once seen.
  if (!value.buffer()->unique() && !is_recording) value = value.clone();
  return value;
}

Variable& VariableStore::get(const std::string& name, DType dtype, const Shape& shape) {
  std::lock_guard lock(mutex_);
  auto& slot = variables_[name];
  if (!slot) slot = std::make_unique<Variable>(name, dtype, shape);
  check(slot->dtype() == dtype, "variable '", name, "' has dtype ", dtype_name(slot->dtype()), ", asked for ",
        dtype_name(dtype));
  return *slot;
}

std::string VariableStore::held_on_gpus() {
  constexpr double kMiB = 1 << 20;
  constexpr size_t kNamed = 3;
  std::lock_guard lock(mutex_);
  std::vector<std::pair<size_t, std::string>> held;
  size_t all = 0;
  for (const auto& [name, variable] : variables_) {
    if (!variable->initialized()) continue;
    const Tensor value = variable->read();
    if (value.on_host()) continue;
    held.emplace_back(value.bytes(), name);
    all += value.bytes();
  }
  if (held.empty()) return "";
  std::sort(held.rbegin(), held.rend());
  std::string text = detail::concat(static_cast<double>(all) / kMiB, " MiB");
  for (size_t i = 0; i < std::min(held.size(), kNamed); ++i)
    text += detail::concat(i ? ", '" : ": '", held[i].second, "' ", static_cast<double>(held[i].first) / kMiB);
  return text;
}

}  // namespace tfmini

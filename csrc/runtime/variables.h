// The variables of one session. Readers take a reference to the current buffer (a snapshot that
// never changes); writers update in place only while nobody else holds the buffer and copy it
// first otherwise. Within one run the plan orders reads before writes, so the copy happens only
// when another run is reading at that moment.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/tensor.h"

namespace tfmini {

class Variable {
 public:
  Variable(std::string name, DType dtype, Shape shape) : name_(std::move(name)), dtype_(dtype), shape_(shape) {}

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }  // may be partly unknown (validate_shape=False)
  // The declared shape, or the value's if that is not fully known.
  Shape current_shape() const;
  bool initialized() const;
  // The current value; throws FailedPreconditionError if uninitialised.
  Tensor read() const;
  // Replaces the value. The tensor must own its memory and not be written to afterwards.
  void assign(Tensor value);
  // The same with a copy, in the memory there is if nobody holds a snapshot.
  void copy(const Tensor& value);
  void clear();

 private:
  friend class VariableUpdate;
  [[noreturn]] void uninitialized() const;
  std::string name_;
  DType dtype_;
  Shape shape_;
  mutable std::mutex mutex_;
  Tensor value_;
};

// Exclusive access to the contents of one or more variables, for read-modify-write kernels:
//
//   VariableUpdate update({&c.variable(0), &c.variable(1)});   // locks both, in a global order
//   check(...);                                               // all checks before the first write
//   float* w = update[0].data<float>();
//
// Throws FailedPreconditionError if one is uninitialised.
class VariableUpdate {
 public:
  explicit VariableUpdate(std::vector<Variable*> variables);
  explicit VariableUpdate(Variable& variable);
  ~VariableUpdate();
  VariableUpdate(const VariableUpdate&) = delete;
  VariableUpdate& operator=(const VariableUpdate&) = delete;
  // Contents for reading (call before write() to check shapes).
  const Tensor& read(int i) const { return at(i).value_; }
  // Contents for writing: unshared, copied first if somebody holds a snapshot.
  Tensor& operator[](int i);

 private:
  Variable& at(int i) const { return one_ ? *one_ : *variables_[static_cast<size_t>(i)]; }

  Variable* one_ = nullptr;           // spares lists of one
  std::vector<Variable*> variables_;  // as given
  std::vector<Variable*> locked_;     // sorted, unique
};

// While a recording is made, updates are in place whoever holds a snapshot: nothing is written until it is replayed,
// and whoever replays it looks first (runtime/recorder.cc). Per thread.
class RecordingScope {
 public:
  RecordingScope();
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;
};

class VariableStore {
 public:
  // The variable of this name, created at first use; throws if dtypes disagree.
  Variable& get(const std::string& name, DType dtype, const Shape& shape);
  void clear() { variables_.clear(); }
  // "12 MiB: 'w' 8, 'b' 4": what variables hold on GPUs, the largest by name; empty if nothing.
  std::string held_on_gpus();

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Variable>> variables_;
};

}  // namespace tfmini

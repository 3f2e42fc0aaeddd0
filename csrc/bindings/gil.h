// Letting go of Python's lock while a run needs no Python.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

namespace tfmini {

inline bool interpreter_is_ending() {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing();
#else
  return _Py_IsFinalizing();
#endif
}

// A thread that asks for the GIL of an ending interpreter would be ended by unwinding its stack, which
// C++ frames do not survive: it waits for the end of the process instead.
inline void wait_out_the_end() {
  while (interpreter_is_ending()) pause();
}

class ReleaseGil {
 public:
  ReleaseGil() : state_(PyEval_SaveThread()) {}
  ~ReleaseGil() {
    wait_out_the_end();
    PyEval_RestoreThread(state_);
  }
  ReleaseGil(const ReleaseGil&) = delete;
  ReleaseGil& operator=(const ReleaseGil&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace tfmini

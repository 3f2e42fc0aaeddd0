#pragma once

#include <pybind11/pybind11.h>

#include "runtime/session.h"

namespace tfmini {

// What ConfigProto._session_options() says, which lists the keys.
SessionOptions session_options(const pybind11::dict& from);

}  // namespace tfmini

// Stands in for the CUDA runtime where there is no GPU (TFMINI_CUDA=sim): the part of it that tfmini uses, over host
// memory. docs/cuda.md says what this shows and what it cannot.
#pragma once

#include "sim/api.h"
#include "sim/builtins.h"
#include "sim/launch.h"
#include "sim/vector_types.h"

// Writing and reading checkpoints. Declared here; the kernels are host ops (python/tfmini/train/saver.py) on top of the
// one module that knows the file format.
#include "core/registry.h"

namespace tfmini {
namespace {

// prefix: one file name; tensor_names and shape_and_slices: one string for each of `count` tensors.
void check_names(InferContext& c, int64_t count) {
  c.with_rank(0, 0);
  for (int i : {1, 2}) {
    const Shape names = c.with_rank(i, 1);
    check(!names.known_rank() || names.dim(0) == -1 || names.dim(0) == count, c.def().inputs[i].name, " has ",
          names.dim(0), " elements for ", count, " tensors");
  }
}

void save_shape(InferContext& c) { check_names(c, c.num_inputs() - 3); }

void restore_shape(InferContext& c) {
  check_names(c, c.num_outputs());
  shapes::unknown(c);
}

}  // namespace

void register_checkpoint(Registry& r) {
  r.op("SaveV2")
      .input("prefix: string")
      .input("tensor_names: string")
      .input("shape_and_slices: string")
      .input("tensors: dtypes")
      .attr("dtypes: list(type) >= 1")
      .shape(save_shape)
      .stateful();
  r.op("RestoreV2")
      .input("prefix: string")
      .input("tensor_names: string")
      .input("shape_and_slices: string")
      .output("tensors: dtypes")
      .attr("dtypes: list(type) >= 1")
      .shape(restore_shape)
      .dynamic_output()
      .stateful();
}

}  // namespace tfmini

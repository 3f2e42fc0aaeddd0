#!/usr/bin/env bash
# Everything about CUDA that needs a GPU, on a bare machine: CUDA 13, CMake, ninja, Python with NumPy, pybind11, pytest;
# no network.
#
#   bench/gpu_check.sh [--simulate] [STAGE...]
#
# Stages, in order, each a call of its own that takes less than ten minutes:
#   build       the module with CUDA, into python/tfmini
#   devices     a GPU is found, or why none can be used
#   programs    products and convolutions without Python: every kernel, tile and way of storing operands
#   ops, ops_rest
#               the op table on the GPU, against the same references as on the CPU: in float32, and all else
#   parity      each CUDA kernel against the CPU's, on all rows of the op table
#   inputs      ops and entry points on inputs nobody meant
#   runtime     sessions, training, concurrency, memory returned, examples
#   memcheck, memcheck_programs, synccheck, racecheck, racecheck_products
#               a reduced op table, and the programs, under compute-sanitizer, which must have run; the slowest of its
#               tools in two parts
#   kernels     each kernel family timed; against torch and CuPy if TORCH_PYTHON and CUPY_PYTHON name interpreters that
#               have them
#   models      training steps and inference in the same way; CUDA graphs on and off
#   record      results into bench/results/GPU and the table in docs/cuda.md
#
# Results lie in build/gpu_check until they are recorded. --simulate runs the stages that can be run without a GPU
# on the simulator (docs/cuda.md) and records nothing: a test of this script. OPS and RUNTIME select tests (pytest -k) of
# runtime and of those that run ops; what is selected is not recorded.
set -uo pipefail
cd "$(dirname "$0")/.."
simulate=0
stages=()
for argument in "$@"; do
  if [ "$argument" = --simulate ]; then simulate=1; else stages+=("$argument"); fi
done
((${#stages[@]})) || stages=(build devices programs ops ops_rest parity inputs runtime memcheck memcheck_programs \
  synccheck racecheck racecheck_products kernels models record)

python=${PYTHON:-python3}
work=$PWD/build/gpu_check
jobs=${JOBS:-$(nproc)}
mkdir -p "$work"
export PYTHONDONTWRITEBYTECODE=1
outer_path=${PYTHONPATH:-}
limit=580  # seconds per stage

use_module() {  # the module that stage `build` makes; without one, the installed package
  export PYTHONPATH=$PWD${outer_path:+:$outer_path}
  if compgen -G 'python/tfmini/_core*.so' >/dev/null; then PYTHONPATH=$PWD/python:$PYTHONPATH; fi
}

workers() {  # pytest-xdist if it is there; a GPU is shared by few processes at once
  "$python" -c 'import xdist' 2>/dev/null && echo "-n $((jobs < 4 ? jobs : 4))"
}
tests() {  # tests NAME ARGUMENT...: pytest, with a report that `record` reads
  local name=$1
  shift
  # shellcheck disable=SC2046
  timeout $limit "$python" -m pytest -q -p no:cacheprovider $(workers) --junitxml="$work/$name.xml" "$@"
}

preset=cuda
((simulate)) && preset=cudasim
build() {
  cmake --preset "$preset" -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')" &&
    ninja -C "build/$preset" _core && use_module && "$python" -c 'from tfmini import _core; assert _core.built_with_cuda()'
}
devices() {
  "$python" -m tfmini devices | tee "$work/devices.txt"
  "$python" -c 'import tfmini as tf; raise SystemExit(not tf.test.is_gpu_available())'
}
programs() {
  cmake -B "build/$preset" -DTFMINI_BUILD_TESTS=ON >/dev/null && ninja -C "build/$preset" &&
    timeout $limit ctest --test-dir "build/$preset" -R '^cuda' -j "$jobs" --output-on-failure --output-junit "$work/programs.xml"
}
ops() { tests "${OPS:+selected_}ops" tests/test_ops.py -k "float32${OPS:+ and ($OPS)}"; }
# Without test_isa: the CPU's instruction sets, in turn.
ops_rest() { tests "${OPS:+selected_}ops_rest" tests/test_ops.py -k "not float32 and not test_isa${OPS:+ and ($OPS)}"; }
parity() { tests parity tests/test_cuda.py ${OPS:+-k "$OPS"}; }
inputs() { tests inputs tests/robustness ${OPS:+-k "$OPS"}; }
runtime() {
  tests runtime tests/session tests/train tests/layers tests/models ${RUNTIME:+-k "$RUNTIME"} || return 1
  needs_gpu "examples" && return
  local program
  for program in digits_convnet lstm_language_model word2vec_nce; do
    (cd examples && "$python" "$program.py" --quick) || return 1
  done
}

needs_gpu() {  # in the simulator: says that a part of a stage is left out
  if ((simulate)); then echo "$1: not run, it needs a GPU"; fi
  return $((!simulate))
}
# The families with shared memory or many roles of threads; one dtype is enough.
others='reduce or softmax or xent or topk or transpose or fused'
products='matmul or conv2d or lstm'
sanitize() {  # sanitize TOOL COMMAND...: fails if the tool found something, or did not run
  local tool=$1 log=$work/sanitizer.txt
  needs_gpu "$tool" && return
  timeout $limit "${COMPUTE_SANITIZER:-compute-sanitizer}" --tool "$tool" --target-processes all --error-exitcode 86 \
    --log-file "$log" "${@:2}"
  local rc=$?
  grep -q 'COMPUTE-SANITIZER' "$log" || { echo "$tool did not run: its log has no banner"; return 1; }
  grep -Eq 'ERROR SUMMARY: 0 errors|RACECHECK SUMMARY: 0 hazards' "$log" || { grep -m 20 '=====' "$log"; return 1; }
  return $rc
}
op_table() { sanitize "$1" "$python" -m pytest -q -x -p no:cacheprovider tests/test_ops.py -k "test_values and float32 and ($2)"; }
memcheck() { op_table memcheck "$others or $products"; }
synccheck() { op_table synccheck "$others or $products"; }
racecheck() { op_table racecheck "($others) and not ($products)"; }
racecheck_products() { op_table racecheck "$products"; }
memcheck_programs() {
  local name
  for name in cuda_gemm_test cuda_wgmma_test cuda_conv_test; do
    sanitize memcheck "build/cuda/tests/cpp/$name" || return 1
  done
}

nvidia_libraries() {  # where pip puts NVIDIA's, of PyTorch's interpreter
  [ -z "${TORCH_PYTHON:-}" ] || "$TORCH_PYTHON" -c 'import glob, sysconfig
print(":".join(glob.glob(sysconfig.get_path("purelib") + "/nvidia/*/lib")))'
}
libraries() {  # next to cuBLAS and cuDNN, where they are found
  local -x LD_LIBRARY_PATH="$(nvidia_libraries):${LD_LIBRARY_PATH:-}"
  cmake -B build/cuda -DTFMINI_BUILD_BENCH=ON >/dev/null && ninja -C build/cuda bench_cuda_kernels &&
    timeout $limit build/cuda/bench/cpp/bench_cuda_kernels --budget 0.1 | tee "$work/products.txt"
}
peers() {  # peers LIB...: options for the peers, torch and LIB..., of which an interpreter is known
  local lib python
  for lib in torch "$@"; do
    if [ "$lib" = cupy ]; then python=${CUPY_PYTHON:-}; else python=${TORCH_PYTHON:-}; fi
    if [ -n "$python" ]; then echo "--peer $lib=$python"; fi
  done
}
kernels() {
  if needs_gpu "cuBLAS and cuDNN, figures"; then
    "$python" bench/run_ops.py embedding --on gpu --budget 0 --only sparse_sgd_4096 | tee "$work/simulated.txt"
    grep -q min "$work/simulated.txt"
    return
  fi
  libraries || return 1
  # shellcheck disable=SC2046
  timeout $limit "$python" bench/run_ops.py --on gpu --rounds 2 --budget 0.2 $(peers cupy) --json "$work/kernels.json"
}
models() {
  needs_gpu "models" && return
  # shellcheck disable=SC2046
  timeout $limit "$python" bench/run_models.py --on gpu --rounds 2 --budget 0.3 $(peers torch-compile) --json "$work/models.json"
  local rc=$?  # a model that failed leaves the figures of the others
  timeout $limit "$python" bench/run_models.py --on gpu --no-graphs --rounds 2 --budget 0.3 --json "$work/without_graphs.json" &&
    return $rc
}
record() {
  if ((simulate)); then
    "$python" bench/gpu_record.py "$work" --dry-run
  else
    "$python" bench/gpu_record.py "$work"
  fi
}

failed=()
for stage in "${stages[@]}"; do
  declare -F "$stage" >/dev/null || { echo "no stage '$stage'; bench/gpu_check.sh says which there are"; exit 2; }
  start=$SECONDS
  echo "== $stage"
  use_module
  if "$stage"; then result=ok; else
    result=FAILED
    failed+=("$stage")
  fi
  echo "== $stage: $result, $((SECONDS - start)) s"
  echo "$stage $result $(git rev-parse --short HEAD 2>/dev/null)" >>"$work/stages.txt"
done
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}"; exit 1; }

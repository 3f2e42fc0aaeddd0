"""Kernels one by one: tfmini alone, or compared with TensorFlow and PyTorch.

python bench/run_ops.py                          all rows of bench/rows, tfmini alone
python bench/run_ops.py gemm conv                two families
python bench/run_ops.py cases --only softmax     rows of tests/cases that state their work (tfmini alone)
python bench/run_ops.py --peer tensorflow=PYTHON --peer torch=PYTHON --json bench/results/MACHINE.json

PYTHON is an interpreter that has the library. A comparison prints the best median per library, ratios over tfmini
(above 1: tfmini is faster), and how much of the machine's multiply-adds and memory bandwidth tfmini reaches.
"""

import rows
import runner

if __name__ == "__main__":
    runner.main(__file__, __doc__, rows)

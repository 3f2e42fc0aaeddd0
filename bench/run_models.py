"""Whole models: training steps and inference; tfmini alone, or compared with TensorFlow and PyTorch.

python bench/run_models.py                       all models, tfmini alone
python bench/run_models.py lstm --budget 2       one of them
python bench/run_models.py --peer tensorflow=PYTHON --peer torch=PYTHON --peer torch-compile=PYTHON \\
    --json bench/results/MACHINE.json

All libraries start from the same parameters; a comparison complains when their losses or outputs differ.
"""

import models
import runner

if __name__ == "__main__":
    runner.main(__file__, __doc__, models)

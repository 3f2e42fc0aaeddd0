"""The rows of tests/cases that state their `work`. Their functions are tfmini's own, so no peer runs them."""

import importlib
import pathlib
import sys

import numpy as np
from libraries import Row

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def graph(g, case):
    arrays = [np.asarray(a) for a in case.inputs]
    floats = [a.astype(np.float32) if a.dtype == np.float64 else a for a in arrays]
    out = case.fn(*(g.value(a).value() for a in floats))
    return g.computes(*(out if isinstance(out, (list, tuple)) else [out]))


ROWS = [
    Row(f"{path.stem}_{case.name}", graph, None, (case,), *case.work)
    for path in sorted((ROOT / "tests/cases").glob("*.py"))
    if path.stem not in ("__init__", "table")
    for case in importlib.import_module(f"tests.cases.{path.stem}").CASES
    if case.work
]

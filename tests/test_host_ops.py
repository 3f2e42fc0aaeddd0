"""Every op with a CPU kernel has a CUDA kernel too, or a line in the table of docs/cuda.md that says why it has none."""

import pathlib
import re

import pytest

import tfmini as tf
from tfmini import _core

# What models compute in.
USUAL = {"float32", "float64", "float16", "bfloat16", "int32", "int64", "bool"}
ROOT = pathlib.Path(__file__).resolve().parent.parent


def table():
    """{op: its dtypes that run on the host, or None for all}; "*" stands for every op."""
    section = (ROOT / "docs/cuda.md").read_text().split("\n## On the host\n")[1].split("\n## ")[0]
    rows = {}
    for ops, dtypes in re.findall(r"^\| ([^|]*) \| ([^|]*) \| [^|]+ \|$", section, re.M)[1:]:
        for op in re.findall(r"`([^`]+)`", ops):
            assert op not in rows, f"{op} is listed twice"
            rows[op] = None if dtypes == "all" else set(dtypes.split(", "))
    return rows


def kernels(op, device):
    """dtypes; "any" is a kernel for all of them."""
    return {tf.as_dtype(d).name if d else "any" for d in _core.kernel_dtypes(op, device)}


def test_the_table_names_ops():
    rows = set(table()) - {"*"}
    assert rows and not rows - set(_core.op_names())
    assert not [op for op in rows if not kernels(op, "cpu")]


@pytest.mark.skipif(not _core.built_with_cuda(), reason="a build without CUDA kernels")
def test_the_table_is_complete():
    rows = table()
    wrong = {}
    for op in _core.op_names():
        cpu, gpu = kernels(op, "cpu"), kernels(op, "gpu")
        if cpu and not gpu:
            if rows.get(op, "") is not None:
                wrong[op] = "has no CUDA kernel"
        elif gpu:
            missing = set() if "any" in gpu else (USUAL if "any" in cpu else cpu) - gpu - rows["*"]
            if missing != rows.get(op, set()):
                wrong[op] = f"has no CUDA kernel for {missing or 'no type'}"
    assert not wrong, "docs/cuda.md, On the host, says otherwise"

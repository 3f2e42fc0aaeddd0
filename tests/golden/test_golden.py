"""tfmini gives what TensorFlow gave: every program of tests/golden/programs against tests/golden/data."""

import numpy as np
import pytest

import tfmini as tf
from tests.golden.registry import DATA, programs


@pytest.mark.parametrize("program", [pytest.param(p, id=f"{p.file}-{p.name}") for p in programs()])
def test_golden(program):
    with np.load(DATA / f"{program.file}.npz") as data:
        want = {k.partition("/")[2]: data[k] for k in data.files if k.split("/")[0] == program.name}
    assert want, "no golden values: run python -m tests.golden.write with TensorFlow"
    got = program.run(tf)
    assert got.keys() == want.keys()
    for key, value in want.items():
        if value.dtype.kind == "U":
            assert got[key].tolist() == value.tolist(), key
            continue
        assert (got[key].shape, got[key].dtype) == (value.shape, value.dtype), key
        if program.tol:
            np.testing.assert_allclose(got[key], value, rtol=program.tol, atol=program.tol, err_msg=key)
        else:
            np.testing.assert_array_equal(got[key], value, err_msg=key)

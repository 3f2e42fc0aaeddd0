"""Hypothesis strategies that turn a working call of an op into a doubtful one."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

import tfmini as tf
from tfmini import _core

DTYPES = ["float32", "float64", "float16", "int32", "int64", "int8", "uint8", "int16", "bool"]
# Sizes and indices at which arithmetic of 32 or 64 bits breaks.
LARGE = [2**31 - 1, -(2**31), 2**31, 2**32 + 1, 2**40, 2**61, 2**62, 2**63 - 1, -(2**63)]
INTS = [-1, 0, 1, 2, 3, -2, 5, 7, 100, *LARGE]
FLOATS = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, -1.0, 1.0, 3e38, 1e-40, 1e9]
STRINGS = ["SAME", "VALID", "EXPLICIT", "NHWC", "NCHW", "REFLECT", "SYMMETRIC", "", "no such thing"]


def one_in(draw, n):
    return draw(st.integers(0, n - 1)) == 0


def value_of(draw, dtype):
    """A value of `dtype` at or beyond the edge of what is sensible."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return int(np.clip(draw(st.sampled_from(INTS)), info.min, info.max))
    if dtype.kind == "f":
        return draw(st.sampled_from(FLOATS))
    if dtype.kind == "b":
        return draw(st.booleans())
    return draw(st.sampled_from([b"", b"x", b"\xff" * 3]))


def resized(a, shape):
    return np.resize(a, shape) if a.size else np.full(shape, b"" if a.dtype == object else 0, a.dtype)


def reshape(draw, a):
    how = draw(st.sampled_from(["dim", "dim", "more", "less", "any", "reverse"]))
    shape = list(a.shape)
    if how == "dim" and shape:
        i = draw(st.integers(0, len(shape) - 1))
        shape[i] = draw(st.sampled_from([0, 1, 2, 3, shape[i] + 1, max(0, shape[i] - 1)]))
    elif how == "more":
        shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(0, 2)))
    elif how == "less" and shape:
        del shape[draw(st.integers(0, len(shape) - 1))]
    elif how == "reverse":
        shape.reverse()
    else:
        shape = draw(st.lists(st.integers(0, 3), max_size=6))
    return resized(a, shape)


def revalue(draw, a):
    a = a.copy()
    with np.errstate(all="ignore"):
        if one_in(draw, 4) or a.ndim == 0:
            a[...] = value_of(draw, a.dtype)
        elif a.size:
            for _ in range(draw(st.integers(1, 2))):
                a.flat[draw(st.integers(0, a.size - 1))] = value_of(draw, a.dtype)
    return a


def retype(draw, a):
    if a.dtype.kind == "O":
        return np.zeros(a.shape, draw(st.sampled_from(DTYPES)))
    with np.errstate(all="ignore"):
        return a.astype(draw(st.sampled_from(DTYPES)))


def spoil_array(draw, value):
    a = np.asarray(value)
    a = a.astype(object) if a.dtype.kind == "S" else a
    how = draw(st.sampled_from(["shape", "shape", "shape", "value", "value", "value", "type"]))
    return {"shape": reshape, "value": revalue, "type": retype}[how](draw, a)


def spoil_list(draw, arrays):
    arrays = list(arrays)
    how = draw(st.sampled_from(["item", "item", "item", "fewer", "more"]))
    if how == "more":
        arrays.append(draw(st.sampled_from(arrays)) if arrays else np.float32(1))
    elif arrays:
        i = draw(st.integers(0, len(arrays) - 1))
        if how == "item":
            arrays[i] = spoil_array(draw, arrays[i])
        else:
            del arrays[i]
    return arrays


def spoil_attr(draw, kind, value):
    if kind == "int":
        return draw(st.sampled_from([*INTS, 2**70, None, "x"]))
    if kind == "float":
        return draw(st.sampled_from([*FLOATS, "x"]))
    if kind == "bool":
        return not value
    if kind == "string":
        return draw(st.sampled_from(STRINGS))
    if kind == "type":
        return tf.as_dtype(draw(st.sampled_from(DTYPES)))
    if kind == "shape":
        return draw(st.sampled_from([None, [], [0], [2, 3], [None, 2], [-5], [2**40, 2**40]]))
    if kind == "list(int)":
        items = list(value)
        how = draw(st.sampled_from(["item", "item", "item", "fewer", "more"]))
        if how == "item" and items:
            items[draw(st.integers(0, len(items) - 1))] = draw(st.sampled_from(INTS))
        elif how == "fewer":
            items = items[:-1]
        else:
            items.append(draw(st.sampled_from(INTS)))
        return items
    if kind == "list(float)":
        return draw(st.lists(st.sampled_from(FLOATS), max_size=3))
    return value


@st.composite
def calls(draw, samples):
    """One of `samples`, spoilt in up to three places."""
    sample = draw(st.sampled_from(samples))
    inputs, attrs = list(sample.inputs), dict(sample.attrs)
    kinds = {a["name"]: a["type"] for a in _core.op_info(sample.op)["attrs"]}
    places = [("input", i) for i in range(len(inputs))] * 2 + [("attr", name) for name in attrs]
    for _ in range(draw(st.integers(1, 3)) if places else 0):
        place, key = draw(st.sampled_from(places))
        if place == "attr":
            attrs[key] = spoil_attr(draw, kinds[key], attrs[key])
        elif isinstance(inputs[key], list):
            inputs[key] = spoil_list(draw, inputs[key])
        else:
            inputs[key] = spoil_array(draw, inputs[key])
    return dataclasses.replace(sample, inputs=tuple(inputs), attrs=attrs)

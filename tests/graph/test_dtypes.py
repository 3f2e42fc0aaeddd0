"""Element types: conversions, comparisons, limits."""

import pickle

import numpy as np
import pytest

from tfmini import dtypes as dt


@pytest.mark.parametrize(
    "value, expected",
    [
        (dt.float32, "float32"), (np.float32, "float32"), (np.dtype("float32"), "float32"), (float, "float32"),
        ("float", "float32"), ("double", "float64"), ("half", "float16"), (1, "float32"), (101, "float32_ref"),
        ("float32_ref", "float32_ref"), (int, "int32"), (bool, "bool"), ("bool", "bool"), (str, "string"),
        (np.dtype("U3"), "string"), (np.dtype("S3"), "string"), (np.object_, "string"), (np.longlong, "int64"),
        (np.dtype(">f8"), "float64"), (23, "uint64"), ("bfloat16", "bfloat16"), (np.int64(9), "int64"),
        (np.zeros(2, np.int16), "int16"), (np.intc, "int32"),
    ],
)  # fmt: skip
def test_as_dtype(value, expected):
    assert dt.as_dtype(value).name == expected


@pytest.mark.parametrize("value", ["foo", None, 55, np.dtype("M8[s]"), [1], {}])
def test_as_dtype_refuses(value):
    with pytest.raises(TypeError, match="to a TensorFlow DType"):
        dt.as_dtype(value)


def test_equality_and_hash():
    assert dt.float32 == np.float32 == dt.float32
    assert np.dtype("float32") == dt.float32
    assert dt.float32 == "float32" and dt.float32 == 1 and dt.float32 != "foo" and dt.float32 is not None
    assert dt.float32 != dt.float32._as_ref and dt.float32._as_ref.base_dtype is dt.float32
    assert {dt.float32: 1}[dt.as_dtype("float")] == 1
    assert dt.float32 in (np.float32,)
    assert pickle.loads(pickle.dumps(dt.int8._as_ref)) is dt.int8._as_ref


def test_reference_types():
    ref = dt.float32._as_ref
    assert ref._is_ref_dtype and not dt.float32._is_ref_dtype and ref._as_ref is ref
    assert dt.float32.is_compatible_with(ref) and not ref.is_compatible_with(dt.float32)
    assert ref.is_floating and ref.as_numpy_dtype is np.float32 and ref.as_datatype_enum == 101


def test_predicates_and_limits():
    assert dt.bfloat16.is_floating and dt.uint8.is_integer and not dt.bool_.is_integer and dt.complex64.is_complex
    assert dt.uint8.is_unsigned and not dt.int32.is_unsigned
    assert dt.int8.limits == (0, 127) and dt.float32.limits == (0, 1)
    assert dt.float32.min == np.finfo(np.float32).min and dt.int64.max == 2**63 - 1
    assert dt.complex64.real_dtype is dt.float32 and dt.int8.real_dtype is dt.int8
    assert dt.string.as_numpy_dtype is np.object_ and dt.float64.size == 8 and dt.bfloat16.size == 2
    for bad in (dt.bool_, dt.string, dt.complex64):
        with pytest.raises(TypeError, match="Cannot find"):
            _ = bad.min
    with pytest.raises(TypeError, match="no NumPy equivalent"):
        _ = dt.variant.as_numpy_dtype


def test_names():
    assert str(dt.float32) == "<dtype: 'float32'>" and repr(dt.float32) == "tf.float32"
    assert dt.as_dtype("double").name == "float64"

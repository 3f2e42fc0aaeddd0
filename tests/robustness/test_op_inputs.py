"""Every op on inputs nobody meant: it computes, or raises TensorFlow's error class with a short message naming the node.

Working calls (samples.py) are spoilt in one to three places: shapes, dtypes, values, attributes. Each spoilt call is made twice,
with constants (errors come while building, results from folding) and fed through placeholders of unknown shape (errors come while
running), and both must come to the same end. TFMINI_FUZZ=N tries N random examples an op instead of a few fixed ones.
"""

import os
import pathlib
import re
import resource

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tfmini as tf
from tests.robustness import spoil
from tests.robustness.samples import LEFT_OUT, samples
from tfmini import _core, raw

HERE = pathlib.Path(__file__).name
EXAMPLES = int(os.environ.get("TFMINI_FUZZ", 0))
BUILD_ERRORS = (ValueError, TypeError, tf.errors.UnimplementedError)
RUN_ERRORS = (
    tf.errors.InvalidArgumentError,
    tf.errors.ResourceExhaustedError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,  # attributes that name files
    tf.errors.OutOfRangeError,
    tf.errors.UnimplementedError,
)

# GPU kernels cannot say that a value is out of range (docs/cuda.md). Constants are folded on the CPU, which does.
UNCHECKED_ON_GPU = re.compile(
    "Gather|(Unsorted)?Segment|SparseSoftmaxCrossEntropy|Scatter|(Floor|Truncate)?(Div|Mod)$|InTopK|"
    "ReverseSequence|MaxPoolGradWithArgmax"
)


@pytest.fixture(scope="module", autouse=True)
def little_memory():
    """Sizes that are absurd here must fail here, whatever the machine has."""
    used = 4096 * int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def tensor(arg, value, fed, feeds):
    """The graph's side of an input: a variable, a constant, or a placeholder."""
    value = np.asarray(value)
    dtype = tf.as_dtype(value.dtype)
    if arg["is_ref"]:
        return tf.Variable(value, dtype=dtype, trainable=False, use_resource=False)._ref()
    if fed:
        placeholder = tf.placeholder(dtype)
        feeds[placeholder] = value
    else:
        placeholder = tf.constant(value, dtype)
    if arg["dtype"] == tf.variant.as_datatype_enum:
        return raw.TensorListFromTensor(placeholder, raw.Shape(placeholder)[1:])
    return placeholder


def check_message(error, *parts):
    message = str(error)
    assert len(message.splitlines()) <= 10, message
    for part in parts:
        assert part in message, f"{part!r} is not in {type(error).__name__}: {message}"


def outcome(call, fed):
    """The values the call gives, or the exception it raises, which is of a right class and says what is wrong."""
    info = _core.op_info(call.op)
    with tf.Graph().as_default(), tf.Session() as sess:
        feeds, inputs = {}, []
        for arg, value in zip(info["inputs"], call.inputs):
            many = isinstance(value, list)
            inputs.append([tensor(arg, v, fed, feeds) for v in value] if many else tensor(arg, value, fed, feeds))
        variables = tf.global_variables()
        sess.run([v.initializer for v in variables])
        before = sess.run([v.value() for v in variables])
        try:
            getattr(raw, call.op)(*inputs, name="probe", **call.attrs)
        except BUILD_ERRORS as error:
            check_message(error, call.op)
            return error
        node = tf.get_default_graph().get_operation_by_name("probe")
        outputs = [raw.TensorListLength(t) if t.dtype == tf.variant else t for t in node.outputs]
        try:
            values, _ = sess.run([outputs, node], feeds)
        except RUN_ERRORS as error:
            check_message(error, error.op.name if error.op else "no node is named", HERE)
            for old, new in zip(before, sess.run([v.value() for v in variables])):
                np.testing.assert_array_equal(new, old, err_msg="a run that failed changed a variable")
            return error
        for value, output in zip(values, outputs, strict=True):
            assert output.shape.is_compatible_with(np.shape(value)), f"{output.shape} promised, got {np.shape(value)}"
        return values


def same(a, b):
    """Equal, and where one may come from the CPU and the other from a GPU: up to rounding, of the largest element."""
    a, b = ([np.asarray(x) for x in results] for results in (a, b))
    finite = [np.abs(x[np.isfinite(x)]).max(initial=0).astype(float) for x in a if x.dtype.kind in "fc"]
    return all(alike(x, y, max(finite, default=0)) for x, y in zip(a, b, strict=True))


def alike(x, y, largest):
    if x.dtype.kind not in "fc":
        return np.array_equal(x, y)
    if not tf.test.is_gpu_available():
        return np.array_equal(x, y, equal_nan=True)
    tolerance = {2: 1e-2, 4: 1e-4, 8: 1e-10}[np.finfo(x.dtype).dtype.itemsize]
    with np.errstate(all="ignore"):
        x, y = x.astype(np.complex128), y.astype(np.complex128)
        return x.shape == y.shape and np.allclose(x, y, tolerance, tolerance * largest, equal_nan=True)


@pytest.mark.parametrize("op", sorted(set(_core.op_names()) - LEFT_OUT))
@settings(
    max_examples=EXAMPLES or 8,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_op(op, data):
    call = data.draw(spoil.calls(samples()[op]))
    built, fed = outcome(call, fed=False), outcome(call, fed=True)
    failed = [isinstance(x, Exception) for x in (built, fed)]
    if failed == [True, False] and isinstance(built, tf.errors.InvalidArgumentError) and tf.test.is_gpu_available():
        assert UNCHECKED_ON_GPU.match(op), f"with constants: {built!r}\nfed: {fed}"
        return
    assert failed[0] == failed[1], f"with constants: {built!r}\nfed: {fed!r}"
    if not any(failed) and not _core.op_info(op)["stateful"]:
        assert same(built, fed), f"with constants: {built}\nfed: {fed}"

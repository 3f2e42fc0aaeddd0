"""Every row of tests/cases: values per dtype, gradients, shapes, instruction sets, memory reuse, threads, errors."""

import importlib
import os
import pathlib
import zlib

import numpy as np
import pytest

import tfmini as tf
from tests.cases.table import Bad, Case
from tfmini import _core

CASE_DIR = pathlib.Path(__file__).parent / "cases"
FILES = sorted(p.stem for p in CASE_DIR.glob("*.py") if p.stem not in ("__init__", "table"))
ISAS = ("base", "avx2", "avx512")


def load():
    """Rows of all files; a file that does not import is one failing test, not the end of collection."""
    cases, bads, broken = [], [], {}
    for stem in FILES:
        try:
            module = importlib.import_module(f"tests.cases.{stem}")
            cases += [pytest.param(case, id=f"{stem}-{case.name}") for case in module.CASES]
            bads += [pytest.param(bad, id=f"{stem}-{bad.name}") for bad in module.BAD]
        except Exception as e:
            broken[stem] = e
    return cases, bads, broken


CASES, BADS, BROKEN = load()
FLOAT64_CASES = [p for p in CASES if p.values[0].grad is not False and "float64" in p.values[0].dtypes]
SECOND_CASES = [p for p in FLOAT64_CASES if p.values[0].second]
BY_DTYPE = [
    pytest.param(p.values[0], dtype, id=f"{p.id}-{dtype}") for p in CASES for dtype in p.values[0].dtypes or ("as_fed",)
]


def as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def arrays_for(case, dtype):
    """(arrays to feed, arrays for the reference). bfloat16 travels as float32: NumPy has no such dtype."""
    feeds, refs = [], []
    for a in map(np.asarray, case.inputs):
        if a.dtype != np.float64:
            feeds.append(a)
            refs.append(a)
        elif dtype == "bfloat16":
            bits = np.ascontiguousarray(a, np.float32).reshape(a.shape).view(np.uint32).astype(np.uint64)
            bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000  # round to nearest even
            rounded = np.where(np.isnan(a), np.float32(np.nan), bits.astype(np.uint32).view(np.float32))
            feeds.append(rounded)
            refs.append(rounded.astype(np.float64))
        else:
            cast = a.astype(dtype)
            feeds.append(cast)
            refs.append(cast.astype(np.float64) if cast.dtype.kind == "f" else cast)
    return feeds, refs


class Built:
    """A row's graph. shapes: "known", "unknown" (dims) or "unranked" placeholders; `through` wraps each input."""

    def __init__(self, case, dtype, shapes="known", through=lambda t: t):
        self.graph = tf.Graph()
        self.feeds, self.refs = arrays_for(case, dtype)
        with self.graph.as_default():
            self.placeholders = []
            for a in self.feeds:
                shape = {"known": a.shape, "unknown": [None] * a.ndim, "unranked": None}[shapes]
                self.placeholders.append(tf.placeholder(tf.as_dtype(a.dtype), shape))
            self.inputs = list(self.placeholders)
            for i, a in enumerate(case.inputs):
                if dtype == "bfloat16" and np.asarray(a).dtype == np.float64:
                    self.inputs[i] = tf.cast(self.inputs[i], tf.bfloat16)
            self.inputs = [through(t) for t in self.inputs]
            self.outputs = as_list(case.fn(*self.inputs))
            self.fetches = [tf.cast(t, tf.float32) if t.dtype == tf.bfloat16 else t for t in self.outputs]

    def run(self, fetches=None, feeds=None, config=None):
        with tf.Session(graph=self.graph, config=config) as sess:
            return sess.run(
                self.fetches if fetches is None else fetches, dict(zip(self.placeholders, feeds or self.feeds))
            )


def check(got, want, tol, what):
    assert isinstance(got, (np.ndarray, np.generic)), f"{what}: fetched a {type(got)}"
    want = np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    if got.dtype.kind in "fc":
        wide = want.dtype if want.dtype.kind in "fc" else np.float64
        np.testing.assert_allclose(got.astype(wide), want, rtol=tol, atol=tol, err_msg=what)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)


def same_bits(got, want):
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("stem", FILES)
def test_case_file(stem):
    """The file imports, its names are unique, its rows are of the right classes."""
    if stem in BROKEN:
        raise BROKEN[stem]
    module = importlib.import_module(f"tests.cases.{stem}")
    assert all(isinstance(c, Case) for c in module.CASES) and all(isinstance(b, Bad) for b in module.BAD)
    names = [c.name for c in module.CASES] + [b.name for b in module.BAD]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


@pytest.mark.parametrize("case, dtype", BY_DTYPE)
def test_values(case, dtype):
    built = Built(case, dtype)
    before = [a.copy() for a in built.feeds]
    got = built.run()
    for fed, copy in zip(built.feeds, before):
        np.testing.assert_array_equal(fed, copy, err_msg="a run wrote into a fed array")
    want = as_list(case.ref(*built.refs))
    assert len(got) == len(want)
    for i, (g, w) in enumerate(zip(got, want)):
        check(g, w, case.tolerance(dtype), f"output {i}")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shapes", ["known", "unknown", "unranked"])
def test_static_shape(case, shapes):
    """What the shape rule promises holds at run time, whatever is known of the inputs' shapes."""
    dtype = case.dtypes[0] if case.dtypes else "as_fed"
    built = Built(case, dtype, shapes)
    for got, promised, fetch in zip(built.run(), built.outputs, built.fetches, strict=True):
        for shape in (promised.shape, fetch.shape):
            assert tf.TensorShape(shape).is_compatible_with(np.shape(got)), f"promised {shape}, got {np.shape(got)}"


def fresh(t):
    """The same value as an intermediate tensor with a buffer of its own, which kernels may reuse."""
    if t.dtype == tf.string:
        return tf.identity(t)
    if t.dtype == tf.bool:
        return tf.logical_not(tf.logical_not(t))
    return tf.reverse(tf.reverse(tf.expand_dims(t, 0), [0]), [0])[0]


@pytest.mark.parametrize("case", CASES)
def test_memory_reuse(case):
    """Inputs that are intermediate tensors give the same bits, and survive when something else needs them."""
    dtype = case.dtypes[0] if case.dtypes else "as_fed"
    want = Built(case, dtype).run()
    built = Built(case, dtype, through=fresh)
    same_bits(built.run(), want)
    keep = [i for i, t in enumerate(built.inputs) if t.dtype != tf.bfloat16]
    got = built.run(built.fetches + [built.inputs[i] for i in keep])
    same_bits(got[: len(want)], want)
    same_bits(got[len(want) :], [built.feeds[i] for i in keep])


@pytest.mark.parametrize("case", CASES)
def test_thread_count(case):
    """The same bits with one thread and with many."""
    dtype = case.dtypes[0] if case.dtypes else "as_fed"
    built = Built(case, dtype)
    one = built.run(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))
    same_bits(built.run(config=tf.ConfigProto(intra_op_parallelism_threads=4)), one)


@pytest.fixture(scope="module")
def isas():
    """The instruction sets of this processor; the one in force is put back afterwards."""
    usable = [name for name in ISAS if _core.set_isa(name)]
    yield usable
    _core.set_isa(os.environ.get("TFMINI_CPU_ISA") or usable[-1])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", CASES)
def test_isa(case, isa, isas):
    if isa not in isas:
        pytest.skip(f"this processor lacks {isa}")
    _core.set_isa(isa)
    dtype = case.dtypes[0] if case.dtypes else "as_fed"
    built = Built(case, dtype)
    for g, w in zip(built.run(), as_list(case.ref(*built.refs)), strict=True):
        check(g, w, case.tolerance(dtype), isa)


def wrt(case):
    """Indices of the inputs to differentiate by."""
    floats = tuple(i for i, a in enumerate(case.inputs) if np.asarray(a).dtype == np.float64)
    return floats if case.grad is True else case.grad


def along(f, arrays, indices, rng):
    """(direction, df/d direction) by central differences, where f(list of arrays) is a number."""
    direction = {i: rng.standard_normal(np.shape(arrays[i])) for i in indices}

    def at(eps):
        return f([a + eps * direction[i] if i in direction else a for i, a in enumerate(arrays)])

    eps = 1e-5
    # The four-point rule: its truncation error, of order eps**4, is below the rounding error.
    return direction, (8 * (at(eps) - at(-eps)) - (at(2 * eps) - at(-2 * eps))) / (12 * eps)


def dense(gradient, like):
    return tf.zeros_like(like) if gradient is None else tf.convert_to_tensor(gradient)


def dot_all(tensors, weights):
    return sum(float(np.sum(np.asarray(t, np.float64) * w)) for t, w in zip(tensors, weights))


def check_derivative(sess, fetches, gradients, built, indices, rng, weights):
    """`gradients` of sum(fetches * weights) against differences along one random direction."""

    def f(arrays):
        return dot_all(sess.run(fetches, dict(zip(built.placeholders, arrays))), weights)

    direction, numeric = along(f, built.feeds, indices, rng)
    got = sess.run(gradients, dict(zip(built.placeholders, built.feeds)))
    for i, g in zip(indices, got):
        assert g.shape == built.feeds[i].shape, f"gradient {g.shape} of input {i} of shape {built.feeds[i].shape}"
    analytic = dot_all(got, [direction[i] for i in indices])
    scale = max(1.0, abs(numeric), sum(float(np.sum(np.abs(g))) for g in got) ** 0.5)
    assert abs(analytic - numeric) <= 1e-6 * scale, f"gradient {analytic!r}, by differences {numeric!r}"


def differentiable(tensors):
    return [t for t in tensors if t.dtype.is_floating]


@pytest.mark.parametrize("case", FLOAT64_CASES)
def test_gradient(case):
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    built = Built(case, "float64")
    indices = wrt(case)
    ys = differentiable(built.outputs)
    weights = [rng.standard_normal(np.shape(v)) for v in built.run(ys)]
    with built.graph.as_default():
        xs = [built.inputs[i] for i in indices]
        grad_ys = [tf.constant(w, dtype=y.dtype) for w, y in zip(weights, ys)]
        gradients = [dense(g, x) for g, x in zip(tf.gradients(ys, xs, grad_ys), xs)]
        for g, x in zip(gradients, xs):
            assert g.shape.is_compatible_with(x.shape), f"gradient promises {g.shape} for {x.shape}"
    with tf.Session(graph=built.graph) as sess:
        check_derivative(sess, ys, gradients, built, indices, rng, weights)


@pytest.mark.parametrize("case", SECOND_CASES)
def test_second_gradient(case):
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    built = Built(case, "float64")
    indices = wrt(case)
    with built.graph.as_default():
        xs = [built.inputs[i] for i in indices]
        # Squares, so that the gradient depends on every input even where the op is linear.
        loss = tf.add_n([tf.reduce_sum(tf.square(y)) for y in differentiable(built.outputs)])
        first = [dense(g, x) for g, x in zip(tf.gradients(loss, xs), xs)]
        weights = [rng.standard_normal(built.feeds[i].shape) for i in indices]
        product = tf.add_n([tf.reduce_sum(g * w) for g, w in zip(first, weights)])
        second = [dense(g, x) for g, x in zip(tf.gradients(product, xs), xs)]
    with tf.Session(graph=built.graph) as sess:
        check_derivative(sess, first, second, built, indices, rng, weights)


@pytest.mark.parametrize("bad", BADS)
def test_bad_input(bad):
    # What GPUs refuse, and the few values they cannot: tests/robustness.
    with tf.Graph().as_default(), tf.device("/cpu:0"), pytest.raises(bad.error, match=bad.match) as caught:
        bad.fn()
    message = str(caught.value)
    assert len(message.splitlines()) <= 10, f"message of {len(message.splitlines())} lines:\n{message}"

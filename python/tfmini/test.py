"""``tf.test``: a TestCase for graphs and sessions, and numeric gradients."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfmini import errors
from tfmini.convert import convert_to_tensor
from tfmini.gradient_checker import compute_gradient, compute_gradient_error
from tfmini.graph import Graph, Tensor, reset_default_graph
from tfmini.session import Session

__all__ = [
    "TestCase", "compute_gradient", "compute_gradient_error", "get_temp_dir", "gpu_device_name",
    "is_built_with_cuda", "is_gpu_available", "main", "test_src_dir_path",
]  # fmt: skip

_SEED = 87654321
_temporary: list[str] = []


def main(argv: list[str] | None = None) -> None:
    """Runs all tests of the script."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    """A directory that exists until the process ends."""
    if not _temporary:
        import atexit

        _temporary.append(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, _temporary[0], ignore_errors=True)
    return _temporary[0]


def test_src_dir_path(relative_path: str) -> str:
    """A path relative to this package's directory."""
    return os.path.join(os.path.dirname(__file__), relative_path)


test_src_dir_path.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def is_built_with_cuda() -> bool:
    """Whether this build contains CUDA kernels."""
    from tfmini import _core

    return _core.built_with_cuda()


def gpu_device_name() -> str:
    """The name of the first GPU, "" if there is none (`tfmini devices` says why)."""
    from tfmini.device import list_devices

    names = [d.name for d in list_devices() if d.device_type == "GPU"]
    return names[0] if names else ""


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether there is a GPU that can be used, of at least this (major, minor) compute capability."""
    del cuda_only  # there are no others
    from tfmini.device import compute_capability, list_devices

    oldest = tuple(min_cuda_compute_capability or (0, 0))
    return any(d.device_type == "GPU" and compute_capability(d) >= oldest for d in list_devices())


class TestCase(unittest.TestCase):
    """A unittest.TestCase with a fresh default graph for each test, sessions, and comparisons of arrays."""

    __test__ = True

    def setUp(self) -> None:
        super().setUp()
        random.seed(_SEED)
        np.random.seed(_SEED % (2**32))
        reset_default_graph()
        from tfmini.random_seed import set_random_seed

        set_random_seed(_SEED)
        self._cached: Session | None = None

    def tearDown(self) -> None:
        if self._cached is not None:
            self._cached.close()
            self._cached = None
        super().tearDown()

    def get_temp_dir(self) -> str:
        """A directory of this test's own."""
        path = os.path.join(get_temp_dir(), self.id())
        os.makedirs(path, exist_ok=True)
        return path

    @contextlib.contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A new session, as the default."""
        with Session(graph=graph, config=config) as sess:
            yield sess

    test_session = session
    test_session.__test__ = False  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """One session for the whole test, as the default."""
        if self._cached is None:
            self._cached = Session(graph=graph, config=config)
        with self._cached.graph.as_default(), self._cached.as_default():
            yield self._cached

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors, in the default session."""
        from tfmini.graph import get_default_session

        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.cached_session() as sess:
            return sess.run(tensors)

    def _array(self, value: Any) -> np.ndarray:
        if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
            value = self.evaluate(value)
        return np.asarray(value)

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Equal shapes and close values; nested lists, tuples and dicts are compared item by item."""
        if isinstance(a, dict):
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, f"{msg or ''} key {key}")
            return
        if isinstance(a, (list, tuple)) and any(hasattr(x, "shape") or isinstance(x, (list, tuple, dict)) for x in a):
            self.assertEqual(len(a), len(b), msg)
            for x, y in zip(a, b):
                self.assertAllClose(x, y, rtol, atol, msg)
            return
        x, y = self._array(a), self._array(b)
        self.assertEqual(x.shape, y.shape, f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg or ''}")
        if x.dtype == np.float16 or y.dtype == np.float16:
            rtol, atol = max(rtol, 1e-3), max(atol, 1e-3)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3, msg: str | None = None,
        **_: Any,
    ) -> None:  # fmt: skip
        """`assertAllClose` with tolerances that fit the wider of the two types."""
        types = (self._array(a).dtype, self._array(b).dtype)
        if np.float32 in types:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if np.float16 in types:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Equal shapes and values; NaN equals NaN."""
        x, y = self._array(a), self._array(b)
        self.assertEqual(x.shape, y.shape, f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg or ''}")
        np.testing.assert_array_equal(x, y, err_msg=msg or "")

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        with contextlib.suppress(AssertionError):
            self.assertAllClose(a, b, **kwargs)
            raise self.failureException("The two values are close at all elements")

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        self.assertFalse(np.array_equal(self._array(a), self._array(b)), msg or "The two values are equal everywhere")

    def assertAllInRange(self, target: Any, lower_bound: Any, upper_bound: Any) -> None:
        values = self._array(target)
        self.assertTrue(bool(np.all((values >= lower_bound) & (values <= upper_bound))), f"not in range: {values}")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        self.assertTrue(abs(f1 - f2) <= err, msg or f"{f1} != {f2} +/- {err}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:
        """The static shape of a tensor is that of an array."""
        self.assertAllEqual(np_array.shape, convert_to_tensor(tf_tensor).shape.as_list(), msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        self.assertTrue(actual.startswith(expected_start), msg or f"{actual!r} does not start with {expected_start!r}")

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        self.assertEqual(self._array(target).dtype, np.dtype(expected_dtype))

    @contextlib.contextmanager
    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """The block raises a tf.errors.OpError whose message matches a pattern or satisfies a predicate."""
        with self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate):
            yield

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: Any, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """The block raises such an exception, whose message matches a pattern, or which satisfies a predicate."""
        if callable(expected_err_re_or_predicate):
            with self.assertRaises(exception_type) as caught:
                yield
            self.assertTrue(expected_err_re_or_predicate(caught.exception), f"unexpected: {caught.exception}")
        else:
            with self.assertRaisesRegex(exception_type, expected_err_re_or_predicate):
                yield

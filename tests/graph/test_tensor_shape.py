"""TensorShape and Dimension, as TensorFlow 1 has them."""

import numpy as np
import pytest

from tfmini.tensor_shape import Dimension, TensorShape, as_shape, scalar, unknown_shape

D = Dimension


def test_dimension_arithmetic():
    assert (D(3) + 2).value == 5 and (5 - D(3)).value == 2 and (2 * D(3)).value == 6
    assert (D(7) // 2).value == 3 and (7 % D(4)).value == 3
    assert (D(3) + None).value is None and (D(None) * 3).value is None
    with pytest.raises(TypeError, match="use // instead"):
        D(3) / 2


def test_dimension_comparison():
    assert D(3) == 3 and D(3) == D(3) and D(3) != 4 and D(3) >= 2 and not D(3) < 3
    assert (D(None) == D(None)) is None and (D(3) != None) is None and (D(None) >= 2) is None  # noqa: E711
    assert (D(3) == "a") is False
    with pytest.raises(TypeError, match="unhashable"):
        hash(D(3))


def test_dimension_conversion():
    assert int(D(3)) == 3 and range(3)[D(1)] == 1 and not D(None) and not D(0)
    assert D(50.0).value == 50 and D(np.int64(4)).value == 4 and D(np.float32(4)).value == 4
    assert str(D(None)) == "?" and repr(D(3)) == "Dimension(3)"
    for bad in (3.5, "a", [1], np.ones(2)):
        with pytest.raises(TypeError, match="Dimension value must be integer or None"):
            D(bad)
    with pytest.raises(ValueError, match="must be >= 0"):
        D(-1)
    with pytest.raises(TypeError, match="unknown Dimension"):
        int(D(None))


def test_dimension_merge():
    assert D(3).merge_with(None).value == 3 and D(None).merge_with(4).value == 4
    with pytest.raises(ValueError, match="Dimensions 3 and 4 are not compatible"):
        D(3).merge_with(4)


@pytest.mark.parametrize(
    "dims, text",
    [
        ([2, None], "(2, ?)"), ([2], "(2,)"), (None, "<unknown>"), ([], "()"), (5, "(5,)"), (D(3), "(3,)"),
        (np.array([2, 3]), "(2, 3)"), ([50.0, 2], "(50, 2)"), (TensorShape([1]), "(1,)"), ([D(2), 3], "(2, 3)"),
    ],
)  # fmt: skip
def test_construction(dims, text):
    assert str(TensorShape(dims)) == text


@pytest.mark.parametrize("bad, error", [([50.5], TypeError), ("ab", TypeError), ([2, -1], ValueError)])
def test_construction_refuses(bad, error):
    with pytest.raises(error):
        TensorShape(bad)


def test_unknown_rank():
    shape = TensorShape(None)
    assert shape[1].value is None and shape[1:3] == [None, None] and shape[1:].ndims is None
    assert shape[-2:].ndims is None and not shape and TensorShape([])
    assert shape.ndims is None and shape.dims is None and shape.num_elements() is None
    for attempt in (iter, len, TensorShape.as_list):
        with pytest.raises(ValueError, match="unknown"):
            attempt(shape)


def test_slicing_and_iteration():
    shape = TensorShape([1, None, 3])
    assert shape[-1] == 3 and shape[1:].as_list() == [None, 3] and shape[::2].as_list() == [1, 3]
    assert [d.value for d in shape] == [1, None, 3] and len(shape) == 3
    assert shape[D(2)] == 3


def test_equality():
    assert TensorShape([2, None]) == [2, None] and TensorShape([2]) != [3] and TensorShape([2]) != "a"
    assert TensorShape(None) == TensorShape(None) and TensorShape([2, 3]) != None  # noqa: E711
    assert hash(TensorShape([2, 3])) == hash(TensorShape((2, 3)))


def test_merging():
    assert TensorShape([2, None]).merge_with([None, 3]).as_list() == [2, 3]
    assert TensorShape(None).merge_with([1]).as_list() == [1]
    assert TensorShape([2, 3]).most_specific_compatible_shape([2, 4]).as_list() == [2, None]
    assert (TensorShape([2]) + [3]).as_list() == [2, 3] and ([4] + TensorShape([2])).as_list() == [4, 2]
    assert TensorShape([2]).concatenate(None).ndims is None
    for other in ([3], [3, 4]):
        with pytest.raises(ValueError, match="are not compatible"):
            TensorShape([2]).merge_with(other)
    with pytest.raises(ValueError, match="are incompatible"):
        TensorShape([2]).assert_is_compatible_with([3])


def test_ranks():
    assert TensorShape(None).with_rank(2).as_list() == [None, None]
    assert TensorShape([2]).with_rank_at_least(1).with_rank_at_most(1).with_rank(1).as_list() == [2]
    for attempt in (lambda s: s.with_rank(3), lambda s: s.with_rank_at_least(3), lambda s: s.with_rank_at_most(0)):
        with pytest.raises(ValueError, match="must have rank"):
            attempt(TensorShape([2]))
    with pytest.raises(ValueError, match="must have the same rank"):
        TensorShape([2]).assert_same_rank([3, 4])
    with pytest.raises(ValueError, match="is not fully defined"):
        TensorShape([None]).assert_is_fully_defined()


def test_helpers():
    assert as_shape([1]).num_elements() == 1 and scalar().num_elements() == 1
    assert unknown_shape(2).as_list() == [None, None] and unknown_shape().ndims is None

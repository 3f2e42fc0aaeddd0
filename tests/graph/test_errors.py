"""The error classes and their codes."""

import pickle

import pytest

from tfmini import errors


def test_attributes():
    error = errors.InvalidArgumentError(None, None, "bad shape")
    assert str(error) == error.message == "bad shape"
    assert error.op is None and error.node_def is None and error.error_code == errors.INVALID_ARGUMENT == 3
    assert isinstance(error, errors.OpError)


@pytest.mark.parametrize("code", range(1, 17))
def test_codes_and_classes(code):
    cls = errors.exception_type_from_error_code(code)
    assert errors.error_code_from_exception_type(cls) == code
    error = errors.make_error(code, "m")
    assert type(error) is cls and error.error_code == code
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls and copy.message == "m"


def test_unknown_code():
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(99)
    assert type(errors.make_error(99, "m")) is errors.UnknownError

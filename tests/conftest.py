"""Fixtures of all tests."""

import pytest

import tfmini as tf


@pytest.fixture
def graph():
    """A default graph of the test's own. `pytestmark = pytest.mark.usefixtures("graph")` gives one to each test of a file."""
    with tf.Graph().as_default() as g:
        yield g

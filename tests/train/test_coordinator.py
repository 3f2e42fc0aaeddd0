"""Coordinator: stopping together, exceptions, grace periods."""

import sys
import threading
import time

import pytest

import tfmini as tf


def start(coord, work, n=3):
    def guarded():
        with coord.stop_on_exception():
            work()

    threads = [threading.Thread(target=guarded, daemon=True) for _ in range(n)]
    for t in threads:
        t.start()
    return threads


def test_stop():
    coord = tf.train.Coordinator()
    count = []

    def work():
        while not coord.should_stop():
            count.append(1)
            if len(count) > 20:
                coord.request_stop()
            time.sleep(0.001)

    coord.join(start(coord, work))
    assert coord.should_stop() and coord.joined
    coord.clear_stop()
    assert not coord.should_stop()


def test_exceptions_reach_join():
    coord = tf.train.Coordinator()

    def work():
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        coord.join(start(coord, work))
    with pytest.raises(KeyError):
        coord.raise_requested_exception()


def test_the_end_of_the_input_is_no_error():
    coord = tf.train.Coordinator()

    def work():
        raise tf.errors.OutOfRangeError(None, None, "end of input")

    coord.join(start(coord, work))


def test_exc_info():
    coord = tf.train.Coordinator()
    try:
        raise ValueError("old style")
    except ValueError:
        coord.request_stop(sys.exc_info())
    with pytest.raises(ValueError, match="old style"):
        coord.join()


def test_threads_that_go_on():
    coord = tf.train.Coordinator()
    release = threading.Event()
    threads = start(coord, release.wait, 1)
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running"):
        coord.join(threads, stop_grace_period_secs=0.05)
    coord.join(threads, stop_grace_period_secs=0.05, ignore_live_threads=True)
    release.set()


def test_looper():
    coord = tf.train.Coordinator()
    calls = []

    def tick(x):
        calls.append(x)
        if len(calls) == 3:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, 0.001, target=tick, args=(5,))
    coord.join()
    assert calls == [5, 5, 5]
    assert coord.wait_for_stop(0)

"""`Coordinator`: several threads that stop together."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tfmini import errors, logging

__all__ = ["Coordinator", "LooperThread"]


class Coordinator:
    """Lets any of a group of threads ask all others to stop, and hands its exception to whoever waits for them.

        coord = tf.train.Coordinator()
        threads = [threading.Thread(target=work, args=(coord,)) for _ in range(4)]  # loops until coord.should_stop()
        ...
        coord.join(threads)

    Args:
      clean_stop_exception_types: exceptions that mean an ordinary end; by default OutOfRangeError.
    """

    def __init__(self, clean_stop_exception_types: tuple[type[BaseException], ...] | None = None):
        self._clean_stop_exception_types = clean_stop_exception_types or (errors.OutOfRangeError,)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._exception: BaseException | None = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop. `ex`: an exception, or the result of sys.exc_info(), for `join` to raise."""
        if isinstance(ex, tuple):
            ex = ex[1]
        with self._lock:
            if ex is not None and isinstance(ex, self._clean_stop_exception_types):
                ex = None
            if self._stop_event.is_set():
                if ex is not None and self._exception is None:
                    if self._joined:
                        raise ex
                    logging.info("Error reported to Coordinator: %s, %s", type(ex), ex)
                return
            if self._joined and ex is not None:
                raise ex
            if ex is not None:
                logging.info("Error reported to Coordinator: %s, %s", type(ex), ex)
                self._exception = ex
            self._stop_event.set()

    def clear_stop(self) -> None:
        """Makes the coordinator usable again after a stop."""
        with self._lock:
            self._joined = False
            self._exception = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        """True once a stop was requested."""
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Requests a stop if the block raises, with the exception."""
        try:
            yield
        except BaseException as ex:
            self.request_stop(ex)

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is requested; False if `timeout` seconds passed first."""
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Lets `join` wait for `thread`."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until the threads have ended, then raises the exception a stop was requested with.

        Args:
          threads: in addition to the registered ones.
          stop_grace_period_secs: how long they may go on after a stop was requested.
          ignore_live_threads: whether threads that go on longer are no error.

        Raises:
          RuntimeError: if threads are still running after the grace period.
        """
        with self._lock:
            waiting = list(self._registered_threads | set(threads or ()))
        # While all is well there is no limit to how long threads may run.
        while any(t.is_alive() for t in waiting) and not self.wait_for_stop(1.0):
            pass
        self._stop_event.set()
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._joined = True
            self._registered_threads.clear()
            if self._exception is not None:
                raise self._exception
        alive = [t.name for t in waiting if t.is_alive()]
        if alive and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(alive)}")
        if alive:
            logging.info("Coordinator stopped with threads still running: %s", " ".join(alive))

    @property
    def joined(self) -> bool:
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the exception a stop was requested with, if there is one."""
        with self._lock:
            if self._exception is not None:
                raise self._exception


class LooperThread(threading.Thread):
    """A thread that calls `target`, or `run_loop`, every `timer_interval_secs` seconds until `coord` stops.

    With `timer_interval_secs` None it calls again at once. An exception stops the coordinator.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ):
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._function = target
        self._arguments = (tuple(args or ()), dict(kwargs or {}))
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator, timer_interval_secs: float | None, target: Any, args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """A LooperThread, started."""
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                next_time = time.monotonic()
                while not self._coord.wait_for_stop(max(0.0, next_time - time.monotonic())):
                    next_time += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called when the thread starts."""

    def stop_loop(self) -> None:
        """Called when the thread ends normally."""

    def run_loop(self) -> None:
        """Called again and again; calls `target` unless overridden."""
        if self._function is not None:
            args, kwargs = self._arguments
            self._function(*args, **kwargs)

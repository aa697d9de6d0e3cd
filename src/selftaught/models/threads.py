"""Requests that may be left alone: one that hangs keeps neither its caller nor the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from selftaught.errors import ModelFailure

T = TypeVar("T")


class RequestThreads:
    """Runs requests for callers who wait, in as many threads as there were requests under way at once.

    They are daemons, unlike the threads of an executor, which Python waits for at its end: for minutes, when a server
    hangs. A thread whose request was given up serves again when that ends, if it does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = 0
        self._awaited: set[Future[Any]] = set()
        self._closed: ModelFailure | None = None

    def run(self, request: Callable[[], T]) -> T:
        """What the request returns or raises; what `close` is given, as soon as it is."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed is not None:
                raise self._closed
            self._awaited.add(future)
            self._idle -= 1
            if self._idle < 0:
                self._idle = 0
                threading.Thread(target=self._work, name="request", daemon=True).start()
        self._jobs.put((future, request))
        try:
            return future.result()
        finally:
            with self._lock:
                self._awaited.discard(future)

    def close(self, failure: ModelFailure) -> None:
        """Let everybody who waits go with this failure, and start nothing any more."""
        with self._lock:
            self._closed = failure
            for future in self._awaited:
                future.set_exception(failure)
            self._awaited.clear()

    def _work(self) -> None:
        while True:
            future, request = self._jobs.get()
            done = Future[Any]()
            try:
                done.set_result(request())
            except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
                done.set_exception(error)
            self._hand_over(future, done)

    def _hand_over(self, future: Future[Any], done: Future[Any]) -> None:
        """Tell who waits, unless nobody does any more."""
        with self._lock:
            self._idle += 1
            if future not in self._awaited:
                return
            self._awaited.discard(future)
        if (failure := done.exception()) is not None:
            future.set_exception(failure)
        else:
            future.set_result(done.result())

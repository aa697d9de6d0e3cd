"""Waiting for a task's own code, which is trusted and may hang all the same: bounded, told, and let go of when a run ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from math import isfinite
from queue import SimpleQueue
from time import monotonic
from typing import TypeVar

from selftaught.errors import UsageError
from selftaught.lab import Lab, Stopped
from selftaught.lab.prints import aside

T = TypeVar("T")
PATIENCE_S = 120.0
"""Seconds that a task may take to draw the instances of a repetition, or to grade one solution."""
_TOLD_S = 3.0
"""After so many seconds it is said what is waited for."""
_LOOK_S = 0.5
"""How often it is looked whether the run is to end meanwhile."""


def in_time(lab: Lab, what: str, work: Callable[[], T], patience_s: float | None = None) -> T:
    """What a task's own code comes to, `what` it is in words.

    UsageError when it is still at it after a long time (two minutes, where no `patience_s` is given). When the run is to be
    stopped, or has reached a limit, that ends the waiting. The code itself is left alone then: nothing can end it but the end
    of this process.
    """

    def look() -> None:
        if lab.stopping.is_set():
            raise Stopped
        lab.spend.check()

    return waited(what, work, look, lab.progress.note, patience_s)


def waited(
    what: str,
    work: Callable[[], T],
    look: Callable[[], None],
    note: Callable[[str], None],
    patience_s: float | None = None,
) -> T:
    """The same without a lab: `look` ends the waiting by what it raises, `note` is told when it takes long."""
    patience = PATIENCE_S if patience_s is None else patience_s
    future, left = Future[T](), threading.Event()

    def run() -> None:
        try:
            with aside(left):
                found = Context().run(work)  # what it sets for its thread, such as decimal's precision, ends with it
            future.set_result(found)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    _begin(run)
    try:
        return _result(future, what, look, note, patience)
    finally:
        left.set()


def _result(future: Future[T], what: str, look: Callable[[], None], note: Callable[[str], None], patience: float) -> T:
    began, told = monotonic(), False
    while True:
        try:
            return future.result(min(_LOOK_S, patience))
        except TimeoutError:
            if future.done():
                raise
        passed = monotonic() - began
        if passed >= patience:
            raise UsageError(f"{what} has not ended within {patience:g} s; mend it")
        look()
        if passed >= _TOLD_S and not told:
            told = True
            until = f" until {patience:g} s have passed" if isfinite(patience) else ""
            note(f"{what} takes long: it is waited for{until}")


_idle: list[SimpleQueue[Callable[[], None]]] = []
"""Where threads that have ended their work are given more: one that hangs never comes back here."""
os.register_at_fork(after_in_child=_idle.clear)  # a fork has none of these threads


def _begin(run: Callable[[], None]) -> None:
    """Run it in a thread that is idle, or in a new one: starting one takes longer than most gradings do."""
    try:
        given = _idle.pop()
    except IndexError:
        given = SimpleQueue[Callable[[], None]]()
        threading.Thread(target=_work, args=(given,), name="patience", daemon=True).start()
    given.put(run)


def _work(given: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        run = given.get()
        run()
        del run  # nothing of the work is held while there is none
        _idle.append(given)

"""Going down trees that are nested more deeply than Python allows for by itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_FRAMES = 40_000
"""How deeply calls may nest: a dozen for each level of a tree that Python can still parse."""
_STACK = 96 << 20


def deeply(work: Callable[[], T]) -> T:
    """What `work` returns, done where calls may nest deeply; what it raises is raised here."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK)
    thread = threading.Thread(target=run)
    try:
        sys.setrecursionlimit(_FRAMES)
        thread.start()
    except (RuntimeError, MemoryError):  # no thread is to be had: as deep as it goes
        sys.setrecursionlimit(limit)
        return work()
    finally:
        threading.stack_size(size)
    thread.join()
    sys.setrecursionlimit(limit)
    if failed:
        raise failed[0]
    return done[0]

"""Who waits where: one pool of threads per depth, so that nesting cannot deadlock.

Work at one depth may only wait for work at a deeper one (candidates of an outer run -> inner improver runs -> scorings ->
model requests; where improving an improver is itself a task, the first two come twice), or for what has begun at its own;
so however the calls nest, the deepest pool can always go on. The threads hold nothing while they wait: permits (a CPU slot of
the sandbox, a place at the model) belong to the leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


Depth = tuple[str, int]
"""What waits, and how many improvers that work on improvers are below it."""
ASKING: Depth = ("ask", 0)
"""Requests to the model: always the deepest."""
AHEAD: Depth = ("ahead", 0)
"""What is begun before it is needed: above all others, and nothing waits for it."""
_AT_ONCE_AHEAD = 8
_LEVELS = 3
"""An improver run scores solutions (0), improvers (1), or improvers that are scored on improving improvers (2)."""


def improving(level: int) -> Depth:
    """Improver runs: of solutions (0), or of improvers (1)."""
    return "improve", level


def scoring(level: int) -> Depth:
    """Scorings that an improver run has asked for, by its level."""
    return "score", level


def sizes(slots: int, requests: int) -> dict[Depth, int]:
    """Threads by depth for a sandbox that runs `slots` jobs and a model that takes `requests` at once."""
    busy = max(slots + 2, requests)
    few = max(2, busy // 4)
    return {
        ASKING: busy,
        AHEAD: _AT_ONCE_AHEAD,
        **{improving(level): busy for level in range(_LEVELS - 1)},
        **{scoring(level): few if level else 2 * slots for level in range(_LEVELS)},
    }


class Workers:
    """Threads by depth, as many as `sizes` gives; they start when first needed."""

    def __init__(self, sizes: Mapping[Depth, int]) -> None:
        self._sizes = dict(sizes)
        self._pools: dict[Depth, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()
        self._closed = False

    def map(self, depth: Depth, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`work` of every item, in order, as many at once as the depth allows.

        The first exception ends it: what has not begun is dropped, what has is waited for, then it is raised.
        """
        if len(items) < 2:
            return [work(item) for item in items]
        futures = [self._submit(depth, work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
        wait(futures)
        failed = [f for f in futures if not f.cancelled() and f.exception() is not None]
        return [future.result() for future in (failed or futures)]

    def ahead(self, work: Callable[[], object]) -> None:
        """Begin work that nobody waits for. How it fails is met by who needs what it makes."""
        self._submit(AHEAD, lambda _: work(), None)

    def close(self) -> None:
        """Drop what has not begun and let the threads end."""
        with self._lock:
            self._closed = True
            pools = [*self._pools.values()]
        for pool in pools:
            pool.shutdown(wait=False)

    def _submit(self, depth: Depth, work: Callable[[T], R], item: T) -> Future[R]:
        with self._lock:
            if self._closed:
                raise CancelledError
            if depth not in self._pools:
                self._pools[depth] = ThreadPoolExecutor(self._sizes[depth], thread_name_prefix=depth[0])
            return self._pools[depth].submit(self._unless_closed, work, item)

    def _unless_closed(self, work: Callable[[T], R], item: T) -> R:
        """Who waits for what an executor cancels as it shuts down is never told: so what has not begun fails instead."""
        if self._closed:
            raise CancelledError
        return work(item)

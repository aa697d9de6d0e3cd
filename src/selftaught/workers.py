"""Who waits where: one pool of threads per depth, so that nesting cannot deadlock.

Work at one depth may only wait for work at a deeper one (candidates of an outer run -> inner improver runs -> scorings ->
model requests; where improving an improver is itself a task, the first two come twice), never for its own; so however the
calls nest, the deepest pool can always go on. The threads hold nothing while they wait: permits (a CPU slot of the sandbox,
a place at the model) belong to the leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Workers:
    """Threads by depth. `sizes` gives the number of threads for each name of a depth; they start when first needed."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = dict(sizes)
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def map(self, depth: str, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`work` of every item, in order, as many at once as the depth allows.

        The first exception ends it: what has not begun is dropped, what has is waited for, then it is raised.
        """
        if len(items) < 2:
            return [work(item) for item in items]
        futures = [self._pool(depth).submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
        wait(futures)
        failed = [f for f in futures if not f.cancelled() and f.exception() is not None]
        return [future.result() for future in (failed or futures)]

    def close(self) -> None:
        """Drop what has not begun and let the threads end."""
        with self._lock:
            pools, self._pools = [*self._pools.values()], {}
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)

    def _pool(self, depth: str) -> ThreadPoolExecutor:
        with self._lock:
            if depth not in self._pools:
                self._pools[depth] = ThreadPoolExecutor(self._sizes[depth], thread_name_prefix=depth)
            return self._pools[depth]

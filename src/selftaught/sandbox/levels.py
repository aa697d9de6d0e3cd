"""The levels by name, and opening a sandbox at one of them."""

from __future__ import annotations

import os

from selftaught.errors import UsageError
from selftaught.sandbox.jail import Layers
from selftaught.sandbox.pool import Pool

LEVELS = {
    "strict": Layers(),
    "confined": Layers(namespaces=False, pidns=False),
    "external": Layers(namespaces=False, pidns=False, landlock=False),
    "none:trusted-programs-only": Layers(namespaces=False, pidns=False, landlock=False, filter=False),
}


def open_level(level: str, slots: int | None) -> Pool:
    """See `selftaught.sandbox.open_sandbox`."""
    if level not in LEVELS:
        raise UsageError(f"no sandbox level {level!r}: choose one of {', '.join(LEVELS)}")
    pool = Pool(level.partition(":")[0], LEVELS[level], slots or os.cpu_count() or 1)
    try:
        pool.found()
    except BaseException:
        pool.close()
        raise
    return pool

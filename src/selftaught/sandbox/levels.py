"""The levels by name, and opening a sandbox at one of them.

| level | what stands around a guest |
|---|---|
| `strict` | bubblewrap's namespaces; process namespace per job; limits; Landlock; system call filter |
| `confined` | limits, Landlock and filter alone: names and sizes of the host's files stay visible |
| `external` | limits, filter, Landlock where there is one; the user vouches for an outer container without secrets |
| `none:trusted-programs-only` | limits alone; for tests of programs that this project wrote itself |

There is no silent step from one to the next. Whatever the level, a guest is a fork of its own for each job.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from selftaught.errors import SandboxRefused, UsageError
from selftaught.sandbox import Profile, Sandbox
from selftaught.sandbox.advice import mend
from selftaught.sandbox.jail import Layers
from selftaught.sandbox.pool import Pool
from selftaught.sandbox.probes import prove
from selftaught.settings.plugins import plugins

_PARTS = ("level", "slots", "run", "close", "__enter__", "__exit__")
"""What a sandbox has that a package opens."""
PROFILES: tuple[Profile, ...] = ("function", "improver")

LEVELS = {
    "strict": Layers(),
    "confined": Layers(namespaces=False, pidns=False),
    "external": Layers(namespaces=False, pidns=False),
    "none:trusted-programs-only": Layers(namespaces=False, pidns=False, landlock=False, filter=False),
}


def open_sandbox(level: str = "strict", slots: int | None = None) -> Sandbox:
    """The real sandbox, a context manager, proved by attack before it is handed out.

    `level` is one of `LEVELS`, or one that an installed package adds, which vouches for it: that one is not attacked
    here; `slots` is how many jobs compute at once (default: one per CPU core). Raises SandboxRefused
    with cause and mend when this machine cannot hold generated code at that level.
    """
    known(level)
    slots = slots or len(os.sched_getaffinity(0))
    if level not in LEVELS:
        return plugins("sandboxes")[level].opened(slots, _PARTS)
    return open_pool(level, slots)


def open_pool(level: str, slots: int) -> Pool:
    """The same, at one of `LEVELS` alone."""
    if platform.system() != "Linux":
        raise SandboxRefused(mend(""))
    name = level.partition(":")[0]
    pool = Pool(name, LEVELS[level], slots)
    try:
        if name != "none":
            with ThreadPoolExecutor(len(PROFILES)) as threads:
                list(threads.map(partial(_prove, pool), PROFILES))
    except BaseException:
        pool.close()
        raise
    return pool


def known(level: str) -> None:
    """UsageError for a level that does not exist."""
    if level not in {*LEVELS, *plugins("sandboxes")}:
        raise UsageError(f"no sandbox level {level!r}: choose one of {', '.join([*LEVELS, *plugins('sandboxes')])}")


def chosen(level: str) -> str:
    """A level that a user may name: all but the one that holds nothing. UsageError for any other."""
    levels = [*(one for one in LEVELS if not one.startswith("none")), *plugins("sandboxes")]
    if level not in levels:
        raise UsageError(f"--sandbox is {level!r}: choose one of {', '.join(levels)}")
    return level


def _prove(pool: Pool, profile: Profile) -> None:
    prove(pool.run, profile, pool.level, pool.server(profile).process.pid)

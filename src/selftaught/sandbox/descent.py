"""What a process and all that descend from it use, read from /proc: a command's programs together, not each by itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_TIMES = slice(11, 15)
"""Of what follows the name in `stat`: user and system time, its own and of the children that it has waited for."""


class Using(NamedTuple):
    """What all of them have used, and hold now."""

    cpu_s: float
    memory_mb: float
    """What is theirs alone: shared libraries and files are not counted."""


def using(pid: int) -> Using:
    """The sum over the process and its descendants. One that has ended counts where its parent has waited for it."""
    ticks, pages = 0, 0
    for one in _descent(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[_TIMES]))
            _, resident, shared, *_ = map(int, Path(f"/proc/{one}/statm").read_text().split())
            pages += resident - shared
    return Using(ticks * _TICK_S, pages * _PAGE_MB)


def _descent(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        yield (one := waiting.pop())
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())

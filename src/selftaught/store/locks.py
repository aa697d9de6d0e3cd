"""Who works on a run: a lock on one byte of the file beside the store, which the kernel lifts when its process ends.

The locks belong to the open file and not to the process (`F_OFD_SETLK`), so that closing another handle of the same file
does not lift them, and so that a process sees its own.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_FLOCK = "hhqqi0q"
"""`struct flock`: type, whence, start, length (0: all that follows), process."""


def _of(path: Path) -> Path:
    return Path(f"{path}-lock")


def _asked(run: int | None) -> bytes:
    start, length = (0, 0) if run is None else (run, 1)
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)


@contextmanager
def held(path: Path, run: int | None) -> Generator[None]:
    """Hold the lock of a run (None: those of all runs). BlockingIOError when another one has it, another OSError where it
    cannot be taken."""
    with _of(path).open("a") as file:
        fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, _asked(run))
        yield


def holder(path: Path, run: int | None) -> tuple[int, int | None] | None:
    """Of a lock that somebody holds: its run, and the process where the kernel tells it. None when nobody holds it."""
    try:
        with _of(path).open("rb") as file:
            found = fcntl.fcntl(file.fileno(), fcntl.F_OFD_GETLK, _asked(run))
    except OSError:
        return None  # there is no such file, or it may not be read: nobody here has ever worked on a run
    kind, _, start, _, process = struct.unpack(_FLOCK, found)
    return None if kind == fcntl.F_UNLCK else (start, process if process > 0 else None)

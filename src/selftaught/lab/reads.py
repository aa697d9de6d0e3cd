"""Which of the user's files a piece of work reads: data decide scores as the text of a task does, so they belong to its key.

What is read while a task's file is imported is known before anything is scored (`tasks.sources`). What its scoring reads
besides is known once something was scored: it is kept then with what it held, and while it holds that the key stays as it is.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from selftaught.plain import JSON, digest, digest_of_files, is_file

if TYPE_CHECKING:
    from selftaught.lab import Lab

_CODE = (".py", ".pyc", ".so")
_NOBODYS = tuple(
    dict.fromkeys(
        os.path.realpath(one)
        for one in (
            sys.prefix,
            sys.base_prefix,
            sys.exec_prefix,
            str(Path(os.__file__).parent),
            str(Path(__file__).parents[1]),
            "/dev",
            "/proc",
            "/sys",
        )
    )
)
"""Folders that belong to Python, its packages, this one and the system: no data of a user's are there."""
_watch = threading.local()
_listening: list[bool] = []
_bases: dict[str, frozenset[str]] = {}
"""Databases that files of the user's have opened as they were imported, by the real paths of these files."""


@dataclass(frozen=True)
class Heard:
    """The user's own files that were opened, by their real paths."""

    read: set[str] = field(default_factory=set[str])
    bases: set[str] = field(default_factory=set[str])
    """Databases of SQLite, which may be read and written as long as they are open."""


def listen() -> None:
    """Be told of every file that this process opens from now on: where code of a user's runs in it, and not otherwise."""
    if not _listening:
        _listening.append(True)
        sys.addaudithook(_note)  # which cannot be taken away again


@contextmanager
def heeding() -> Generator[Heard]:
    """What this thread opens to read within the block; nothing where nobody listens."""
    before = getattr(_watch, "heard", None)
    _watch.heard = heard = Heard()
    try:
        yield heard
    finally:
        _watch.heard = before


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in {"open", "sqlite3.connect"}:
        return
    heard: Heard | None = getattr(_watch, "heard", None)
    if heard is None:
        return
    path, mode = arguments[0], arguments[1] if event == "open" else "r"
    if not isinstance(path, str | bytes | os.PathLike) or (isinstance(mode, str) and set(mode) & set("wax")):
        return
    name = os.fsdecode(cast("str | bytes | os.PathLike[str]", path))
    real = os.path.realpath(name.removeprefix("file:").partition("?")[0] if event != "open" else name)
    if users(real) and is_file(Path(real)):
        (heard.read if event == "open" else heard.bases).add(real)


def imported(path: str, bases: set[str]) -> None:
    """Note which databases a file of the user's has opened as it was imported: what it scores may read them."""
    _bases[path] = frozenset(bases)


def users(path: str) -> bool:
    """Whether a file is the user's own. Not where Python is installed, nor packages, whose versions are told apart by name."""
    real = os.path.realpath(path)
    return not any(real.startswith(one + os.sep) for one in _NOBODYS) and "site-packages" not in real


@contextmanager
def remembering(lab: Lab, utility: JSON, files: Sequence[str]) -> Generator[None]:
    """Keep what the first scoring by a utility reads of the user's data, with what that holds. The `utility` is told by what
    decides its scores besides, such as the `files`, of which the first is what scores.

    Not what is written meanwhile, such as a cache: that decides no score, or decides it anew each time.
    """
    began = time.time()
    with heeding() as heard:
        yield
    known = [os.path.realpath(one) for one in files]
    read = heard.read.union(heard.bases, _bases.get(known[0], ()) if known else ())
    late = [one for one in sorted(read.difference(known)) if not one.endswith(_CODE) and _older(one, began)]
    if late:
        folder = _folder(files)
        lab.once("reads", {"utility": utility}, lambda: {os.path.relpath(one, folder): _held(one) for one in late})


def changed(lab: Lab, utility: JSON, files: Sequence[str]) -> list[JSON]:
    """What of a utility's key is due to data that scoring reads and that hold something else than at its first scoring:
    empty as long as all of it is as it was."""
    held = cast("dict[str, str] | None", lab.kept("reads", {"utility": utility}) if _listening else None)
    if not held:
        return []
    now = [_held(os.path.normpath(_folder(files) / one)) for one in held]
    return [] if now == [*held.values()] else [digest(now)]


def _held(path: str) -> JSON:
    """What tells what a file holds; empty for one that is not there."""
    try:
        found = Path(path).stat()
    except OSError:
        return ""
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(1000)
def _read(path: str, mtime_ns: int, size: int) -> JSON:  # noqa: ARG001 - what is as new and as large is the same
    return digest_of_files([path])[path]


def _older(path: str, time_s: float) -> bool:
    try:
        return Path(path).stat().st_mtime < time_s
    except OSError:
        return False


def _folder(files: Sequence[str]) -> Path:
    return Path(files[0]).resolve().parent if files else Path.cwd()

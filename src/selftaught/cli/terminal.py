"""What commands say beside documents: lines, programs, rows; all through the one door of `views.terminal`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypedDict

from selftaught.views.terminal import clean, write

if TYPE_CHECKING:
    from selftaught.program import Program

_LONG = 500
_QUICK_S = 1.0
_SILENT_S = 4.0
"""Seconds after which something is said of what takes long."""


def line(text: str) -> str:
    """The text, cleaned, as one line; of one too long to be read, how it begins and ends."""
    whole = clean(" ".join(text.split()))
    return whole if len(whole) <= 2 * _LONG else f"{whole[:_LONG]} … {whole[-_LONG:]}"


def sentence(text: str) -> str:
    """The text with a capital letter."""
    return text[:1].upper() + text[1:]


def tell(text: str) -> None:
    """Say something about what is done, beside the figures: on standard error."""
    print(f"selftaught: {clean(text)}", file=sys.stderr)


@contextmanager
def busy(doing: str) -> Generator[None]:
    """While the block runs, say every few seconds what it is at: nobody is left to wonder whether it is."""
    ended = threading.Event()

    def say() -> None:
        while not ended.wait(_SILENT_S):
            tell(f"{doing} …")

    threading.Thread(target=say, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@contextmanager
def steps() -> Generator[Callable[[str], None]]:
    """A function that is told each step, and says it on standard error where it takes longer than a second."""

    def say(doing: str) -> None:
        nonlocal last
        last.cancel()
        last = threading.Timer(_QUICK_S, tell, [f"{doing} …"])
        last.daemon = True
        last.start()

    last = threading.Timer(0, tell)
    try:
        yield say
    finally:
        last.cancel()


class PlainProgram(TypedDict):
    """A program: `selftaught improvers NAME --json`, `selftaught show RUN --improver --json`."""

    digest: str
    program: str
    """Its text."""


def show_program(program: Program, as_json: bool) -> None:
    """A program alone, so that it can be sent to a file: exact there, cleaned on a terminal."""
    if as_json:
        told: PlainProgram = {"digest": program.digest, "program": program.text}
        print(json.dumps(told))
    else:
        write(program.text)


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Rows of equal keys, as JSON or as a table; where that is too wide, as lines one below the other."""
    if as_json:
        print(json.dumps(rows))
        return
    from selftaught.views.sheets import Column, Sheet
    from selftaught.views.tables import show

    names = list(rows[0]) if rows else ["nothing here"]
    columns = [Column(name.replace("_", " "), whole=name in _WHOLE) for name in names]
    show([Sheet("", columns, [[_word(value) for value in row.values()] for row in rows])])


_WHOLE = {"at", "run", "seed", "task", "name", "improver", "experiment"}
"""Columns whose cells are not broken."""


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)

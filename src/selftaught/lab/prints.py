"""What a user's own code prints goes to standard error: standard output is for what was asked for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_here = threading.local()


class _Routed:
    """A stream that passes on to standard error what threads write while their prints are put aside."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._now().write(text)

    @property
    def buffer(self) -> Any:
        return self._now().buffer

    def close(self) -> None:
        """It is not theirs to close."""

    def _now(self) -> TextIO:
        return sys.stderr if getattr(_here, "aside", 0) else self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def aside(left: threading.Event | None = None) -> Generator[None]:
    """What this thread prints within the block goes to standard error.

    Standard output is there again at its end, whatever the block has put in its place; not once it was `left` alone, since
    what is there by then may be somebody else's.
    """
    before = sys.stdout
    if before is not None and not isinstance(before, _Routed):  # pyright: ignore[reportUnnecessaryComparison] - pythonw
        before = sys.stdout = cast(TextIO, _Routed(before))
    _here.aside = getattr(_here, "aside", 0) + 1
    try:
        yield
    finally:
        _here.aside -= 1
        if not (left and left.is_set()):
            sys.stdout = before

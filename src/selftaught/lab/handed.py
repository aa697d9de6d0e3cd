"""What one improver run hands in before its end (`utility.keep`): the last programs of it count."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice

from selftaught.program import MAX_CHARS, Program

KEPT = 3
"""Programs that an improver run may hand in before it ends; of more, the last ones."""
_HELD = 8 * KEPT
"""Texts that are remembered until it is known which of them are programs."""


def bounded(text: str) -> Program:
    """The program, of one that is too long only as much as shows that: what is too long is none, and need not be kept."""
    return Program(text[: MAX_CHARS + 1])


class Handed:
    """Texts, each once, in the order in which they were handed in last. Safe from many threads.

    A text may be no program, which is too dear to find out at once; but what `has_score` is known to be one. So many others
    push out no more of these than later ones of their kind do.
    """

    def __init__(self, has_score: Callable[[str], bool] = lambda _: False) -> None:
        self._has_score = has_score
        self._texts: list[Program] = []
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Remember a text that is handed in."""
        program = bounded(text)
        with self._lock:
            texts = [*(one for one in self._texts if one != program), program]
            known = [one for one in texts if self._has_score(one.text)][-KEPT:]
            self._texts = [one for one in texts[:-_HELD] if one in known] + texts[-_HELD:]

    def latest(self, is_program: Callable[[str], bool]) -> list[Program]:
        """The programs that count, the last one first."""
        return [*islice((one for one in reversed(self._texts) if is_program(one.text)), KEPT)]

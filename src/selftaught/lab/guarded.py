"""Calls that generated code makes of the host: what goes wrong by what it gave ends that call alone."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from selftaught.errors import Refusal
from selftaught.lab.progress import Progress
from selftaught.plain import JSON
from selftaught.sandbox import HostFunction

_LONGEST = 200
_BY_A_TEXT = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RecursionError,
    MemoryError,
)
"""What code of the host may raise because of what a guest gave it. All else is the world's failure and ends the run."""


class Guarded:
    """The functions that one guest may call, and what went wrong in them. Safe from many threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._faults = Counter[str]()
        self._lock = threading.Lock()

    def call(self, function: HostFunction) -> HostFunction:
        """The function, guarded: an unexpected error in it is noted, and refused to who called."""

        def guarded(**arguments: Any) -> JSON:
            try:
                return function(**arguments)
            except _BY_A_TEXT as error:
                said = f"{function.__name__.strip('_')}: {type(error).__name__}: {error}"
                self._progress.event("fault", said)
                with self._lock:
                    self._faults[said[:_LONGEST]] += 1
                raise Refusal("RuntimeError", "the host could not answer this call") from error

        return guarded

    @property
    def faults(self) -> dict[str, int]:
        """What went wrong, and how often."""
        return dict(sorted(self._faults.items()))

"""Calls that generated code makes of the host: what goes wrong by what it gave ends that call alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from selftaught.budget import Meter
from selftaught.errors import BY_A_TEXT, Refusal
from selftaught.lab.progress import Progress
from selftaught.plain import JSON
from selftaught.sandbox import HostFunction

_LONGEST = 200


class Ended(Exception):
    """An improver run that is run again has done what it did before a limit ended it."""


class Guarded:
    """The functions that one guest may call, and what went wrong in them. Safe from many threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._enough: Callable[[], bool] | None = None
        self._under_way = 0
        self._faults = Counter[str]()
        self._lock = threading.Lock()

    def call(self, function: HostFunction) -> HostFunction:
        """The function, guarded: an unexpected error in it is noted, and refused to who called."""

        def guarded(**arguments: Any) -> JSON:
            try:
                return self._counted(function, arguments)
            except BY_A_TEXT as error:
                said = f"{function.__name__.strip('_')}: {type(error).__name__}: {error}"
                self._progress.event("fault", said)
                with self._lock:
                    self._faults[said[:_LONGEST]] += 1
                raise Refusal("RuntimeError", "the host could not answer this call") from error

        return guarded

    def repeated(self, verdict: Mapping[str, Any] | None, meter: Meter, run: Callable[[], JSON]) -> JSON:
        """The fact of an improver run. Where a recording has it, since a limit ended it there, what it had used until then is
        used again, so that all facts within are there, and it ends."""
        if verdict is None:
            return run()
        wanted = {
            name: value for name, value in verdict["usage"].items() if name != "dollars"
        }  # a sum: its order may differ
        self._enough = lambda: {name: meter.used.plain()[name] for name in wanted} == wanted
        if not self._enough():
            with suppress(Ended):
                run()
        return verdict

    def _counted(self, function: HostFunction, arguments: dict[str, Any]) -> JSON:
        """What the function gives. Ended where that was the last call that the recorded machine had time for."""
        if self._enough is None:
            return function(**arguments)
        with self._lock:
            self._under_way += 1
        try:
            return function(**arguments)
        finally:
            with self._lock:
                self._under_way -= 1
                last = not self._under_way
            if last and self._enough():
                raise Ended

    @property
    def faults(self) -> dict[str, int]:
        """What went wrong, and how often."""
        return dict(sorted(self._faults.items()))

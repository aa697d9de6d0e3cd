"""How far a run is: plain counts and a few words, written by the algorithm, read by whoever shows them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands at one moment."""

    phase: str
    """What is being done now, e.g. "round 2 of 3: proposing"."""
    best: float | None
    """Best meta-utility seen on train since the phase began."""
    counts: dict[str, int]
    """answers, answers bought, scorings, improver runs, improver runs under way."""
    dollars: float | None
    elapsed_s: float


class Progress:
    """Collects what a `Snapshot` shows. Safe from many threads; never part of a result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._scope = ""
        self._phase = "starting"
        self._best: float | None = None
        self._dollars: float | None = 0.0
        self._began = time.monotonic()

    def scope(self, text: str) -> None:
        """What the phases from now on belong to, e.g. one recursion of an experiment."""
        with self._lock:
            self._scope = f"{text}, "

    def phase(self, text: str) -> None:
        with self._lock:
            self._phase, self._best = self._scope + text, None

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def money(self, dollars: float | None) -> None:
        """What the run has cost so far."""
        with self._lock:
            self._dollars = dollars

    def seen(self, value: float) -> None:
        """A meta-utility was reached."""
        with self._lock:
            self._best = value if self._best is None else max(self._best, value)

    @contextmanager
    def under_way(self, what: str) -> Generator[None]:
        self.count(f"{what} under way")
        try:
            yield
        finally:
            self.count(f"{what} under way", -1)
            self.count(what)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(self._phase, self._best, dict(self._counts), self._dollars, time.monotonic() - self._began)

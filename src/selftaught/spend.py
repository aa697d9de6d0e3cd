"""Spend: what a run really costs (money, wall time, CPU time), counted before it is used.

Unlike an allowance, a spend limit is no part of the experiment: it may stop a run, never change a stored result. It is
counted over all sessions of a run, and only answers that are bought cost money.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from selftaught.errors import SpendExhausted
from selftaught.plain import JSON


@dataclass(frozen=True)
class Spent:
    """What a run has cost so far. `dollars` None: some answer's price is unknown."""

    dollars: float | None = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


@dataclass(frozen=True)
class SpendLimits:
    """Where a run stops; none of it decides a result. None: no limit."""

    dollars: float | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    deadline_s: float = 600.0
    """Seconds without any good answer of the model."""

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


class Spend:
    """Counts one run's spend against its limits. Safe from many threads."""

    def __init__(self, limits: SpendLimits | None = None, earlier: Spent | None = None) -> None:
        self.limits = limits or SpendLimits()
        self._earlier = earlier or Spent()
        self._began = time.monotonic()
        self._process = time.process_time()
        self._dollars = self._earlier.dollars
        self._reserved = 0.0
        self._jobs_cpu_s = 0.0
        self._lock = threading.Lock()

    def now(self) -> Spent:
        """What the run has cost up to now, earlier sessions included."""
        with self._lock:
            return Spent(
                self._dollars,
                self._earlier.wall_s + time.monotonic() - self._began,
                self._earlier.cpu_s + time.process_time() - self._process + self._jobs_cpu_s,
            )

    @property
    def dollars(self) -> float | None:
        """What the run's answers have cost up to now; None when some price is unknown."""
        with self._lock:
            return self._dollars

    def check(self) -> None:
        """Raise SpendExhausted when wall or CPU time has reached its limit."""
        limits = self.limits
        if limits.wall_s is None and limits.cpu_s is None:
            return
        now = self.now()
        for what, used, limit in (("time", now.wall_s, limits.wall_s), ("CPU time", now.cpu_s, limits.cpu_s)):
            if limit is not None and used >= limit:
                raise SpendExhausted(
                    f"the limit of {limit:g} s of {what} is reached; resuming with a higher one goes on"
                )

    def computed(self, cpu_s: float) -> None:
        """Count the CPU time of sandbox jobs."""
        with self._lock:
            self._jobs_cpu_s += cpu_s

    @contextmanager
    def buying(self, at_most: float | None) -> Generator[list[float | None]]:
        """Hold `at_most` dollars while answers are bought; the block appends to the list what each really cost.

        Raises SpendExhausted, before anything is bought, when that could exceed the limit. An unknown price never fits
        under a limit.
        """
        prices: list[float | None] = []
        held = at_most or 0.0
        with self._lock:
            limit = self.limits.dollars
            if limit is not None:
                if at_most is None or self._dollars is None:
                    raise SpendExhausted(f"a limit of ${limit:g} cannot be kept: the price of this model is unknown")
                if self._dollars + self._reserved + held > limit:
                    raise SpendExhausted(
                        f"the limit of ${limit:g} is reached (${self._dollars:.4f} spent, ${self._reserved:.4f} under way, "
                        f"the next request may cost ${held:.4f}); resuming with a higher one goes on"
                    )
            self._reserved += held
        try:
            yield prices
        finally:
            with self._lock:
                self._reserved -= held
                known = [price for price in prices if price is not None]
                complete = self._dollars is not None and len(known) == len(prices)
                self._dollars = (self._dollars or 0.0) + sum(known) if complete else None

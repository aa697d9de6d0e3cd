"""How many requests may be under way: as many as the server bears, found out from how it answers.

Every good answer widens the throttle by one until it is as wide as it was when it last proved too wide, then by one per
round of answers. Being throttled narrows it by a third, once per round. When nothing but failures comes back it is narrowed
to a single request at a time with growing pauses, so that a dead server gets a handful of requests and not thousands.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Literal

from selftaught.errors import ModelFailure

Verdict = Literal["good", "throttled", "failed"]

NARROW = 0.7
STREAK = 8
"""Failures in a row, at least, that make an outage; a wider throttle needs as many as it is wide."""
PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0


class Throttle:
    """Permits for requests. Only who has a request under way holds one."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._width = float(ceiling)
        self._proven = float(ceiling)
        self._inside = 0
        self._round = 0
        self._streak = 0
        self._pauses = 0
        self._opens = 0.0
        self._ended: ModelFailure | None = None
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """Requests that may be under way now."""
        return int(self._width)

    def enter(self, until: float | None = None) -> int | None:
        """Wait for a permit; returns the number of the round, to be given back. None when it is later than `until`.

        Raises what the throttle was ended with.
        """
        with self._changed:
            while True:
                self._check()
                now = time.monotonic()
                if until is not None and now >= until:
                    return None
                if now >= self._opens and self._inside < self.width:
                    self._inside += 1
                    return self._round
                moments = [moment for moment in (until, self._opens) if moment is not None and moment > now]
                self._changed.wait(min(moments) - now if moments else None)

    def leave(self, entered: int, verdict: Verdict) -> None:
        """Give the permit back and say how the request went."""
        with self._changed:
            self._inside -= 1
            if verdict == "good":
                self._widen()
            elif entered == self._round:
                self._streak += 1
                if self._streak >= max(STREAK, self.width):
                    self._pause()
                elif verdict == "throttled":
                    self._narrow(self._width * NARROW)
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait without a permit. Raises what the throttle was ended with, at once."""
        until = time.monotonic() + seconds
        with self._changed:
            self._check()
            while (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
                self._check()

    def end(self, failure: ModelFailure) -> None:
        """Let nobody in any more: who waits or comes later gets the failure. The first one stays."""
        with self._changed:
            self._ended = self._ended or failure
            self._changed.notify_all()

    def _check(self) -> None:
        if self._ended is not None:
            raise type(self._ended)(*self._ended.args)

    def _widen(self) -> None:
        self._streak = self._pauses = 0
        self._opens = 0.0
        step = 1.0 if self._width < self._proven else 1.0 / self._width
        self._width = min(float(self._ceiling), self._width + step)

    def _narrow(self, width: float) -> None:
        self._width = max(1.0, width)
        self._proven = self._width
        self._round += 1

    def _pause(self) -> None:
        half = max(1.0, self._width / 2)
        self._narrow(1.0)
        self._proven = max(half, self._proven)
        self._pauses += 1
        longest = min(LONGEST_PAUSE_S, PAUSE_S * 2**self._pauses)
        self._opens = time.monotonic() + random.uniform(longest / 2, longest)

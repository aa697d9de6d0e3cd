"""Waiting for one request: as long as its server lives, and until others have long overtaken it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from selftaught.errors import PassingFailure
from selftaught.models import exchange

OVERTAKEN = 16
"""A silent request is taken for lost when so many that were sent later have been answered, …"""
USUAL = 8
"""… and it took so many times as long as the longest of those that were answered."""
PATIENCE = 6
"""A server that shows that it lives, and answers no question, is waited for so many times the deadline."""
_REMARK = re.compile(rb":.*|[0-9a-fA-F]{0,8}")
"""A line of a stream that holds nothing: a remark, a blank, or how long a chunk of HTTP is."""
STREAMED = 3
"""A response that comes in more pieces shows that the model is at work."""


class Silence(PassingFailure):
    """Nothing more came for a request, which may have to be paid all the same."""

    def __init__(self, reason: str, lasting: bool = False) -> None:
        super().__init__(f"no answer in time{reason}", paid=True, lasting=lasting)


class Watch:
    """Who wants to hear how the asking goes. These methods do nothing; override what is wanted. Called by many threads."""

    def note(self, text: str) -> None:
        """Something that the user should know, in one line."""

    def lost(self, text: str) -> None:
        """The same of what the end of everything has cut."""

    def came(self, pieces: int) -> None:
        """So many pieces of streamed answers, about a token each, have come in."""


class Signs:
    """When the server gave its last sign of life, and what is under way there. Safe from many threads."""

    def __init__(self) -> None:
        self.last = 0.0
        self.good = 0
        """Good responses so far."""
        self.longest_s: float | None = None
        """What the slowest of them took."""
        self.ended = False
        self._under_way: set[Wait] = set()
        self._sent = 0
        self._lock = threading.Lock()

    def begin(self, wait: Wait) -> None:
        """A request is sent."""
        with self._lock:
            self._sent += 1
            wait.number = self._sent
            self._under_way.add(wait)

    def end(self, wait: Wait, good: bool) -> None:
        """It has come to its end; a good one has overtaken all that were sent before it."""
        with self._lock:
            self._under_way.discard(wait)
            if not good:
                return
            self.last = time.monotonic()
            self.good += 1
            self.longest_s = max(self.longest_s or 0.0, self.last - wait.began)
            for other in self._under_way:
                other.overtaken += other.number < wait.number

    @property
    def held(self) -> float:
        """Dollars that the requests under way may cost of which something has come in."""
        return sum(wait.at_most() or 0.0 for wait in self._coming())

    @property
    def coming(self) -> int:
        """How many these are."""
        return len(self._coming())

    def _coming(self) -> list[Wait]:
        with self._lock:
            return [wait for wait in self._under_way if wait.came]


class Wait:
    """One request's clock: it counts from the last sign of life (see `http.Waiting`)."""

    def __init__(self, signs: Signs, watch: Watch, lives: Callable[[], bool], idle_s: float, deadline_s: float) -> None:
        self.tick_s = min(idle_s, deadline_s / 2)
        self.number = self.overtaken = 0
        self.began = time.monotonic()
        self._signs = signs
        self._watch = watch
        self._lives = lives
        self._deadline_s = deadline_s
        self.at_most: Callable[[], float | None] = lambda: 0.0
        """Dollars that the request may cost."""
        self._heard = self._told = self.began
        self._pieces = 0

    @property
    def came(self) -> bool:
        """Whether something has come in, so that the request is worked on."""
        return self._pieces > 0

    def note(self, text: str) -> None:
        self._watch.note(text)

    def heard(self, piece: memoryview) -> None:
        """Something came in. Raises Silence where for long that was nothing but remarks: what stands before a server may make
        them, whatever becomes of it."""
        self._heard, came = time.monotonic(), bytes(piece).count(b"data:")
        if came or not all(_REMARK.fullmatch(line.strip()) for line in bytes(piece).split(b"\n")):
            self._told = self._heard
        elif self._heard - self._told >= PATIENCE * self._deadline_s:
            raise Silence(", though remarks come", lasting=True)
        self._pieces += 1
        if self._pieces > STREAMED:
            self._signs.last = self._heard
        if came:
            self._watch.came(came)

    def silent(self) -> None:
        """Nothing came for long. Raises Silence when the request is lost, or its server down; else it is waited on."""
        silent_s = time.monotonic() - self._heard
        if self._signs.ended:
            raise PassingFailure("stopped")
        if self.overtaken >= OVERTAKEN and silent_s >= USUAL * (self._signs.longest_s or 0.0):
            raise Silence(f": {self.overtaken} later questions were answered")
        if silent_s >= PATIENCE * self._deadline_s:
            raise Silence(", though the server lives", lasting=True)
        if not self._lives():
            raise Silence(", and the server does not answer anything else")
        self._signs.last = time.monotonic()
        self._watch.note(f"no word for {silent_s:.0f} s, but the server lives: waiting on")

    def ended(self, tail: bytes) -> bool:
        return exchange.ended(tail)

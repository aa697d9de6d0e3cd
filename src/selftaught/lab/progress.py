"""How far a run is: plain counts, a few words, and events, written by the algorithm, read by whoever shows them.

None of it decides anything: two runs that differ only in this are the same run.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal, NotRequired, TypedDict, cast

from selftaught.plain import JSON

EventKind = Literal["phase", "question", "scoring", "improver", "note", "fault"]
"""What there are events of. Those that take time are noted when they end, with how long they took."""
_WAITING = 20_000
"""Events that may wait to be written, and lines to be shown; when more come, the oldest are dropped."""


class Pulse(TypedDict):
    """A snapshot as the store keeps it."""

    phase: str
    """What is being done now."""
    best: float | None
    """Best meta-utility seen on train since its process began to work on it."""
    counts: Mapping[str, int]
    """answers, answers bought, scorings, improver runs; improver runs and requests under way. What is 0 may be missing."""
    dollars: float | None
    """What the run has cost so far; null: unknown."""
    elapsed_s: float
    """Seconds since its process began to work on it."""
    steps: NotRequired[tuple[int, int] | None]
    """Of what is being done now: how many of the improver runs that are certain are done."""
    left_s: NotRequired[tuple[float, float] | None]
    """Seconds that are left, from probably the least to probably the most."""
    note: NotRequired[str]
    """What was last heard of the model that a user should know, e.g. what a request failed of."""


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands at one moment."""

    phase: str
    """What is being done now, e.g. "round 2 of 3: proposing"."""
    best: float | None
    """Best meta-utility seen on train since its process began to work on it."""
    counts: Mapping[str, int]
    """answers, answers bought, scorings, improver runs; improver runs and requests under way."""
    dollars: float | None
    elapsed_s: float
    """Seconds since this process began to work on the run."""
    note: str = ""
    """What was last heard of the model that a user should know."""
    steps: tuple[int, int] | None = None
    left_s: tuple[float, float] | None = None

    def plain(self) -> Pulse:
        return cast(Pulse, asdict(self))


Event = tuple[int, EventKind, str, Mapping[str, JSON]]
"""When it ended (milliseconds since 1970), what kind, what it was of, and a few figures (`ms`: how long it took)."""


class Progress:
    """Collects what a `Snapshot` shows, and events. Safe from many threads; never part of a result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._scope = ""
        self._phase = "starting"
        self._best: float | None = None
        self._note = ""
        self._dollars: float | None = 0.0
        self._steps, self._of = 0, 0
        self._left: tuple[float, float] | None = None
        """Until when, by the monotonic clock."""
        self._lines: deque[str] = deque(maxlen=_WAITING)
        self._began = time.monotonic()
        self._events: deque[Event] = deque(maxlen=_WAITING)

    def scope(self, text: str) -> None:
        """What the phases from now on belong to, e.g. one recursion of an experiment."""
        with self._lock:
            self._scope = f"{text}, "

    def phase(self, text: str) -> None:
        """What is done from now on."""
        with self._lock:
            self._phase = self._scope + text
            self._steps, self._of = 0, 0
        self.event("phase", self._phase)

    def expect(self, steps: int) -> None:
        """So many more improver runs are certain to be done now; each says `step` at its end."""
        with self._lock:
            self._of += steps

    def step(self) -> None:
        """An improver run of what is done now is at its end."""
        with self._lock:
            self._steps += 1

    def reach(self, steps: int) -> None:
        """So many steps of what is done now are done at least, some of them without a run: found, or nothing to run."""
        with self._lock:
            self._steps = max(self._steps, steps)

    def left(self, low_s: float, high_s: float) -> None:
        """How long the run will probably still take."""
        with self._lock:
            self._left = time.monotonic() + low_s, time.monotonic() + high_s

    def milestone(self, text: str) -> None:
        """Something has come to its end, in one line."""
        self._lines.append(self._scope + text)
        self.event("note", self._scope + text)

    def take_lines(self) -> list[str]:
        """Milestones and notes since the last call, oldest first."""
        taken: list[str] = []
        while self._lines:
            taken.append(self._lines.popleft())
        return taken

    def note(self, text: str) -> None:
        """Something happened that the user should know at once: a line of its own, and shown until there is another."""
        with self._lock:
            self._note = text
        self._lines.append(text)
        self.event("note", text)

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
        """Count it as under way while the block runs, then, if it ended well, as done."""
        self.count(f"{what} under way")
        try:
            yield
            self.count(what)
        finally:
            self.count(f"{what} under way", -1)

    def event(self, kind: EventKind, what: str, **figures: JSON) -> None:
        """Note that something happened just now."""
        self._events.append((time.time_ns() // 1_000_000, kind, what, figures))

    @contextmanager
    def timed(self, kind: EventKind, what: str, **figures: JSON) -> Generator[None]:
        """Note the block as one event that took as long as it runs."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.event(kind, what, ms=round(1000 * (time.monotonic() - began)), **figures)

    def take_events(self) -> list[Event]:
        """The events since the last call, oldest first."""
        taken: list[Event] = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def snapshot(self) -> Snapshot:
        with self._lock:
            elapsed_s = time.monotonic() - self._began
            steps = (min(self._steps, self._of), self._of) if self._of else None
            return Snapshot(
                self._phase, self._best, dict(self._counts), self._dollars, elapsed_s, self._note, steps, self._left_s()
            )

    def _left_s(self) -> tuple[float, float] | None:
        now = time.monotonic()
        return self._left and (max(0.0, self._left[0] - now), max(0.0, self._left[1] - now))


class Beside(Progress):
    """The progress of what is done beside a run's main path: it counts there, and says nothing of phases."""

    def __init__(self, main: Progress) -> None:
        super().__init__()
        self._main = main

    def scope(self, text: str) -> None:
        pass

    def phase(self, text: str) -> None:
        pass

    def expect(self, steps: int) -> None:
        pass

    def step(self) -> None:
        pass

    def reach(self, steps: int) -> None:
        pass

    def left(self, low_s: float, high_s: float) -> None:
        pass

    def milestone(self, text: str) -> None:
        pass

    def seen(self, value: float) -> None:
        pass

    def note(self, text: str) -> None:
        self._main.note(text)

    def count(self, what: str, number: int = 1) -> None:
        self._main.count(what, number)

    def money(self, dollars: float | None) -> None:
        self._main.money(dollars)

    def event(self, kind: EventKind, what: str, **figures: JSON) -> None:
        self._main.event(kind, what, **figures)

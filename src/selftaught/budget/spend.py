"""Spend: what a run really costs (money, answers, wall time, CPU time), counted before it is used where that can be.

Unlike an allowance, a spend limit is no part of the experiment: it may stop a run, never change a stored result. It is
counted over all sessions of a run, and only what is bought counts: what is found costs nothing.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import Any, Literal

from selftaught.budget import Usage
from selftaught.errors import SpendExhausted, UsageError
from selftaught.plain import JSON


@dataclass(frozen=True)
class RoundSpent:
    """What a round has cost so far: what was bought for it, whoever was at work meanwhile, and the time it took."""

    dollars: float | None = 0.0
    wall_s: float = 0.0
    ended: bool = False


@dataclass(frozen=True)
class Spent:
    """What a run has cost so far. `dollars` None: some answer's price is unknown."""

    dollars: float | None = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    answers: int = 0
    tokens: int = 0
    """In and out."""
    held: float = 0.0
    """Dollars that requests may cost which were under way when this was noted: what had come of them is lost by a kill."""
    rounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """A `RoundSpent` for each round that began, by its label."""

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


@dataclass(frozen=True)
class SpendLimits:
    """Where a run stops; none of it decides a result. None: no limit."""

    dollars: float | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    answers: float | None = None
    tokens: float | None = None
    """Tokens in and out. How many an answer takes is known afterwards: the requests under way may still cross it."""
    round_dollars: float | None = None
    """Like `dollars`, for each round of a recursion by itself."""
    round_wall_s: float | None = None
    deadline_s: float = 600.0
    """Seconds without a sign of life of the model's server."""
    idle_s: float = 60.0
    """Seconds without a word on a question, after which its server is asked whether it lives."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and 0 < value < inf):
                raise UsageError(f"the limit {name} is {value!r}: a number above 0 is needed")

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


_LIMITED = {
    "dollars": "${}",
    "wall_s": "{} s of time",
    "cpu_s": "{} s of CPU time",
    "answers": "{} answers",
    "tokens": "{} tokens",
    "round_dollars": "${} for a round",
    "round_wall_s": "{} s of time for a round",
}
"""How each limit that may be reached is called."""
_REACHED = re.compile(r"stopped: the limit of (\$?)([\d.e+-]+)( [ \w]+)? is reached")


def reached(status: str) -> tuple[str, float] | None:
    """The limit that ended a run of that status, a field of `SpendLimits` and how much it was; None where none did."""
    found = _REACHED.match(status)
    words = found and f"{found[1]}{{}}{found[3] or ''}"
    return next(((name, float(found[2])) for name, called in _LIMITED.items() if found and called == words), None)


def _told(field: str, limit: float, more: str = "") -> SpendExhausted:
    said = _LIMITED[field].format(f"{limit:g}")
    return SpendExhausted(f"the limit of {said} is reached{more}; resuming with a higher one goes on")


class Spend:
    """Counts one run's spend against its limits. Safe from many threads."""

    def __init__(self, limits: SpendLimits | None = None, earlier: Spent | None = None) -> None:
        self.limits = limits or SpendLimits()
        self._earlier = earlier or Spent()
        self._began = time.monotonic()
        self._process = time.process_time()
        self._dollars = self._earlier.dollars
        self._answers = self._earlier.answers
        self._tokens = self._earlier.tokens
        self._reserved = 0.0
        self._ordered = 0
        self._jobs_cpu_s = 0.0
        self._rounds = {label: RoundSpent(**one) for label, one in self._earlier.rounds.items()}
        self._open: dict[str, float] = {}
        """When the rounds under way began, in this session."""
        self._inside = Counter[str]()
        """How many are at work on each: it may be begun ahead, and come upon in its turn."""
        self._held_of: dict[str, float] = {}
        """Dollars held for rounds."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        """Something that was held is not any more."""

    def now(self) -> Spent:
        """What the run has cost up to now, earlier sessions included."""
        with self._lock:
            return Spent(
                self._dollars,
                self._wall_s(),
                self._earlier.cpu_s + time.process_time() - self._process + self._jobs_cpu_s,
                self._answers,
                self._tokens,
                rounds={label: asdict(self._so_far(label)) for label in self._rounds},
            )

    @property
    def dollars(self) -> float | None:
        """What the run's answers have cost up to now; None when some price is unknown."""
        with self._lock:
            return self._dollars

    def check(self, label: str | None = None) -> None:
        """Raise SpendExhausted when wall or CPU time has reached its limit, or that of the round which this is part of."""
        limits = self.limits
        if limits.wall_s is None and limits.cpu_s is None and limits.round_wall_s is None:
            return
        now = self.now()
        used = [("wall_s", now.wall_s, limits.wall_s), ("cpu_s", now.cpu_s, limits.cpu_s)]
        if label is not None and label in now.rounds:
            used.append(("round_wall_s", now.rounds[label]["wall_s"], limits.round_wall_s))
        for which, seconds, limit in used:
            if limit is not None and seconds >= limit:
                raise _told(which, limit)

    def computed(self, cpu_s: float) -> None:
        """Count the CPU time of sandbox jobs."""
        with self._lock:
            self._jobs_cpu_s += cpu_s

    @contextmanager
    def round(self, label: str) -> Generator[None]:
        """The time of this block is that of one round; one that was begun in an earlier session goes on."""
        with self._lock:
            self._rounds[label] = replace(self._rounds.get(label, RoundSpent()), ended=False)
            self._open.setdefault(label, time.monotonic())
            self._inside[label] += 1
        ended = False
        try:
            yield
            ended = True
        finally:
            with self._lock:
                self._inside[label] -= 1
                if not self._inside[label]:
                    self._rounds[label] = replace(self._so_far(label), ended=ended)
                    self._open.pop(label)

    @contextmanager
    def buying(self, at_most: float | None, count: int, label: str | None = None) -> Generator[list[Usage]]:
        """Hold `at_most` dollars while `count` answers are bought; the block appends to the list what each really took.
        `label` is the round that they are bought for.

        What does not fit beside what is held for others waits until it does. Raises SpendExhausted, before anything is
        bought, for what does not fit under a limit on money or answers with nothing held, or when the limit on tokens is
        reached. An unknown price never fits under a limit.
        """
        bought: list[Usage] = []
        held = at_most or 0.0
        with self._changed:
            while not self._fits(at_most, count, label):
                self._changed.wait()
            self._reserved += held
            self._ordered += count
            self._hold(label, held)
        try:
            yield bought
        finally:
            total = sum(bought, Usage())
            with self._changed:
                self._ordered -= count
                self._reserved = self._reserved - held if self._ordered else 0.0
                self._hold(label, -held)
                self._answers += total.responses
                self._tokens += total.tokens_in + total.tokens_out
                self._dollars = _sum(self._dollars, total.dollars)
                if label in self._rounds:
                    one = self._rounds[label]
                    self._rounds[label] = replace(one, dollars=_sum(one.dollars, total.dollars))
                self._changed.notify_all()

    def _hold(self, label: str | None, dollars: float) -> None:
        if label is not None:
            self._held_of[label] = self._held_of.get(label, 0.0) + dollars if self._ordered else 0.0

    def _fits(self, at_most: float | None, count: int, label: str | None) -> bool:
        """Whether it fits beside what is held. Raises SpendExhausted when it would not with nothing held."""
        try:
            self._refuse(at_most, count, label)
        except SpendExhausted:
            if not self._ordered:
                raise
            self._refuse(at_most, count, label, beside=False)
            return False
        return True

    def _refuse(self, at_most: float | None, count: int, label: str | None, beside: bool = True) -> None:
        """Raise SpendExhausted for what does not fit: beside what is held for others, or with nothing held."""
        reserved, ordered = (self._reserved, self._ordered) if beside else (0.0, 0)
        limits = self.limits
        self._refuse_money("dollars", self._dollars, at_most, reserved)
        if label in self._rounds:
            held = self._held_of.get(label, 0.0) if beside else 0.0
            self._refuse_money("round_dollars", self._rounds[label].dollars, at_most, held)
        if limits.answers is not None and self._answers + ordered + count > limits.answers:
            raise _told("answers", limits.answers, f" ({self._answers} bought, {count} wanted)")
        if limits.tokens is not None and self._tokens >= limits.tokens:
            raise _told("tokens", limits.tokens, f" ({self._tokens} bought)")

    def _refuse_money(
        self,
        which: Literal["dollars", "round_dollars"],
        spent: float | None,
        at_most: float | None,
        reserved: float,
    ) -> None:
        limit = self.limits.dollars if which == "dollars" else self.limits.round_dollars
        if limit is None:
            return
        if at_most is None or spent is None:
            said = _LIMITED[which].format(f"{limit:g}")
            raise SpendExhausted(f"a limit of {said} cannot be kept: the price of this model is unknown")
        if spent + reserved + at_most > limit:
            raise _told(which, limit, f" (${spent:.4f} spent, the next request may cost ${at_most:.4f})")

    def _so_far(self, label: str) -> RoundSpent:
        """What a round has cost up to now."""
        one, began = self._rounds[label], self._open.get(label)
        return one if began is None else replace(one, wall_s=one.wall_s + time.monotonic() - began)

    def _wall_s(self) -> float:
        return self._earlier.wall_s + time.monotonic() - self._began


def _sum(one: float | None, other: float | None) -> float | None:
    """Dollars; None where either is unknown."""
    return None if one is None or other is None else one + other

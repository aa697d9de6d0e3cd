"""Allowances: what one improver run may use. Part of the experiment: answers found and answers bought count alike."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from selftaught.errors import Refusal
from selftaught.plain import JSON

MOST_AT_ONCE = 1000
"""Answers or scorings that an improver may ask for in one call: as many as one carries (`wire.MAX_LIST`)."""


@dataclass(frozen=True)
class Allowance:
    """What one improver run may use (paper, section 4: the budgets told to the improver, here enforced by the host)."""

    calls: int = 4
    """Calls of the model."""
    responses: int = 6
    """Answers per call; a batch of more answers costs as many calls as it needs."""
    scorings: int = 25
    """Scorings by its utility."""
    tokens: int | None = None
    """Tokens in and out over all answers; the call that crosses it is the last. None: no limit."""
    cpu_s: float = 60.0
    """CPU seconds of the improver's own code."""
    extensions: bool = True
    """Whether the improver is offered what the paper's interface lacks: `utility.map`, `.feedback` and `.keep`."""

    @property
    def answers(self) -> int:
        """Answers that it allows in all."""
        return self.calls * self.responses

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


@dataclass(frozen=True)
class Usage:
    """What was used. `dollars` is the recorded price of the answers, found or bought; None when one is unknown."""

    calls: int = 0
    responses: int = 0
    scorings: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    """What was asked for beyond the allowance, and not given, by budget: `calls`, `responses` and `scorings` by how many were
    asked for, `tokens` by how often they were used up."""
    ignored: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often a keyword of the paper's code that changes nothing here was given, e.g. `use_sandbox=False`."""

    def __add__(self, other: Usage) -> Usage:
        dollars = None if self.dollars is None or other.dollars is None else self.dollars + other.dollars
        return Usage(
            self.calls + other.calls,
            self.responses + other.responses,
            self.scorings + other.scorings,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            dollars,
            added(self.refused, other.refused),
            added(self.ignored, other.ignored),
        )

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


def added(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Two counts as one."""
    return dict(sorted((Counter(some) + Counter(more)).items())) if some and more else {**some, **more}


def used_up(reason: str, used: Usage, allowance: Allowance) -> bool:
    """Whether what ended an improver run is that its allowance was used up, which is no fault of its text.

    Its own word does not count, nor does asking for more than there ever was: time, or tokens, were over as the host saw it, or
    more calls or scorings were asked for when at least half of them were gone.
    """
    if reason.startswith("time: "):
        return True
    gone = {
        "calls": 2 * used.calls >= allowance.calls,
        "scorings": 2 * used.scorings >= allowance.scorings,
        "tokens": True,
    }
    return reason.startswith("error: BudgetExhausted") and any(gone.get(name, False) for name in used.refused)


def _carried(count: int) -> None:
    if count > MOST_AT_ONCE:
        raise Refusal("ValueError", f"one call may carry {MOST_AT_ONCE:,}, not {count:,}")


class Meter:
    """Counts one improver run against its allowance. Reservations are all or nothing, and safe from many threads."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self._used = Usage()
        self._lock = threading.Lock()

    @property
    def used(self) -> Usage:
        with self._lock:
            return self._used

    def reserve_answers(self, count: int) -> None:
        """Take the calls that `count` answers need, or raise the guest's BudgetExhausted."""
        calls = -(-count // self.allowance.responses)
        with self._lock:
            left = self.allowance.calls - self._used.calls
            if calls > left:
                self._refuse(calls=calls, responses=count)
                raise Refusal(
                    "BudgetExhausted",
                    f"{count} answers need {calls} calls of the model, {left} of {self.allowance.calls} are left",
                )
            tokens = self.allowance.tokens
            if tokens is not None and self._used.tokens_in + self._used.tokens_out >= tokens:
                self._refuse(calls=calls, responses=count, tokens=1)
                raise Refusal("BudgetExhausted", f"the {tokens:,} tokens allowed are used up")
            _carried(count)
            self._used += Usage(calls=calls, responses=count)

    def reserve_scorings(self, count: int) -> None:
        """Take `count` scorings, or raise the guest's BudgetExhausted."""
        with self._lock:
            left = self.allowance.scorings - self._used.scorings
            if count > left:
                self._refuse(scorings=count)
                raise Refusal(
                    "BudgetExhausted", f"{count} scorings asked for, {left} of {self.allowance.scorings} are left"
                )
            _carried(count)
            self._used += Usage(scorings=count)

    def _refuse(self, **wanted: int) -> None:
        self._used += Usage(refused=wanted)

    def add(self, usage: Usage) -> None:
        """Count what is known only afterwards, tokens and price, or costs nothing."""
        with self._lock:
            self._used += usage

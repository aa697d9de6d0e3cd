"""What a run will probably ask, cost and take: a range, from how its improvers go about it and from what answers have cost.

How many answers an improver uses is seen without a model: it is run once with canned answers. What one answer costs and takes
is known from earlier answers of the same model in the store; where there are none, a trial buys the first ones of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from statistics import fmean as mean

from selftaught.budget import Allowance, Usage
from selftaught.improver import ENTRY
from selftaught.lab import Lab
from selftaught.lab.rehearsal import START, rehearsal
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.runs import kind_of
from selftaught.runs.spans import Span
from selftaught.sandbox import Sandbox
from selftaught.settings import Assignment
from selftaught.settings.choice import ModelChoice
from selftaught.store import Store
from selftaught.views.running import duration

TRIAL = 16
"""Answers that a trial buys."""
SAMPLE = 200
"""Answers that are looked at for what one takes."""
SHARPENED = 1.15
"""The same, of the run's own answers."""
PRICE_SPREAD = 1.4
"""By how much the mean price of other answers may be off, either way."""


@dataclass(frozen=True)
class Known:
    """What one answer of a model costs and takes."""

    dollars: float | None
    seconds: float
    answers: int
    """How many it is known from."""


@dataclass(frozen=True)
class Forecast:
    """What a run will probably come to; None: not known."""

    answers: Span
    dollars: Span | None = None
    seconds: Span | None = None

    def __str__(self) -> str:
        parts = [f"{_between(self.answers, _count)} answers"]
        if self.dollars is not None:
            parts.append(_between(self.dollars, _money))
        if self.seconds is not None:
            parts.append(_between(self.seconds, duration))
        return "probably " + ", ".join(parts)

    def within(self, dollars: float) -> str:
        """How far a limit goes, in a few words; "" where it is not known or goes all the way."""
        if self.dollars is None or dollars >= self.dollars.high:
            return ""
        if dollars >= self.dollars.low:
            return f"${dollars:g} may end it early, at worst after {dollars / self.dollars.high:.0%}"
        return f"${dollars:g} go {dollars / self.dollars.high:.0%} to {dollars / self.dollars.low:.0%} of the way"

    def plain(self) -> dict[str, JSON]:
        spans = {"answers": self.answers, "dollars": self.dollars, "seconds": self.seconds}
        return {name: span and span.plain() for name, span in spans.items()}


def forecast(
    asked: Assignment, store: Store | None, sandbox: Sandbox, text: Callable[[str], str], places: int
) -> Forecast:
    """Before a run. `text` gives the improvers' texts by their digests; `places`: requests at once."""
    found: dict[tuple[str, Allowance], Usage] = {}

    def used(improver: str, allowance: Allowance) -> Usage:
        place = improver, allowance
        if place not in found:
            _, found[place], _ = rehearsal(sandbox.run, Program(text(improver)), START, (ENTRY, "f"), allowance)
        return found[place]

    answers, dollars, seconds = Span(0, 0), Span(0, 0), Span(0, 0)
    prices = times = True
    for one, expected in kind_of(asked.plain()).expected(asked, used):
        known = known_of(store, one.model) if store else None
        answers += expected
        if known is None or known.dollars is None:
            prices = False
        else:
            dollars += expected * known.dollars * Span(1 / PRICE_SPREAD, PRICE_SPREAD)
        if known is None:
            times = False
        else:
            seconds += expected * (known.seconds / places) * Span(1, 3) + Span(5, 20) * known.seconds
    return Forecast(answers, dollars if prices else None, seconds if times else None)


def sharpened(lab: Lab, model: ModelChoice, answers: Span, left: Span) -> Forecast:
    """While a run goes on: `answers` in all, `left` of them, at what its answers have cost and how fast they came."""
    bought = lab.store.bought(lab.run)
    spent = lab.spend.now()
    dollars = None
    if bought.responses:
        each = known_from(lab.store, lab.run, bought, model).dollars
        dollars = None if each is None else answers * each * Span(1 / SHARPENED, SHARPENED)
    each_s = spent.wall_s / max(1, spent.answers)
    return Forecast(answers.at_least(bought.responses), dollars, left * each_s * Span(0.5, 2.0))


def known_of(store: Store, model: ModelChoice) -> Known | None:
    """What an answer of a model costs and takes, from the newest run with it in the store; None where it has none."""
    for record in reversed(store.runs()):
        if (record.settings.get("model"), record.settings.get("base_url")) == (model.spec, model.base_url):
            bought = store.bought(record.id)
            if bought.responses:
                return known_from(store, record.id, bought, model)
    return None


def known_from(store: Store, run: int, bought: Usage, model: ModelChoice) -> Known:
    """What an answer costs and takes, from those that a run has bought."""
    latency_s = [body["latency_s"] for _, body in islice(store.facts("answer", run), SAMPLE)]
    dollars = model.price.of(bought.tokens_in, bought.tokens_out) if model.price else bought.dollars
    return Known(None if dollars is None else dollars / bought.responses, mean(latency_s or [0.0]), bought.responses)


def _count(value: float) -> str:
    """A number of answers, rounded to two figures."""
    digits = max(0, len(str(int(value))) - 2)
    return f"{round(value, -digits):,.0f}"


def _money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 0.1 else f"${dollars:.2g}"


def _between(span: Span, shown: Callable[[float], str]) -> str:
    low, high = shown(span.low), shown(span.high)
    return low if low == high else f"{low} to {high}"

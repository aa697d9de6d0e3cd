"""What a run will probably ask, cost and take: a range, from how its improvers go about it and from what answers have cost.

How many answers an improver uses is seen without a model: it is run once with canned answers. What one answer costs and takes
is known from earlier answers of the same model in the store; where there are none, a trial buys the first ones of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from statistics import fmean as mean
from typing import Any

from selftaught.budget import Usage
from selftaught.errors import UsageError
from selftaught.evidence.models import bought_for
from selftaught.evidence.report import Probably
from selftaught.lab import Lab
from selftaught.runs.spans import Expected, Span
from selftaught.settings.choice import ModelChoice, Role
from selftaught.store import RunRecord, Store
from selftaught.tasks import load_all
from selftaught.views.running import duration

TRIAL = 16
"""Answers that a trial buys."""
BEFORE = 8.5
"""From low to high before a run, where what is proposed and what an answer costs is hardly known; below ten when rounded."""
AFTERWARDS = 2.5
"""The same after a round; below three when rounded."""
AROUND = 170
"""Bytes around a start solution, by which prices of answers on different tasks are compared; found like `SHIFT`."""
SHIFT = 0.7
"""Truth by the middle of what is counted, before a run: what is shared is counted once for each use. Found by runs of ten
settings like those of `benchmarks forecasts`, with other tasks, seeds and sizes."""
SHIFT_AFTERWARDS = 0.8
"""The same after a round."""


@dataclass(frozen=True)
class Known:
    """What one answer of a model costs and takes."""

    dollars: float | None
    seconds: float
    """Of the whole run, scoring included: answers come side by side."""


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

    def plain(self) -> Probably:
        """As it stands in the document of a run that has not come to its end."""
        dollars, seconds = self.dollars, self.seconds
        return {
            "answers_low": floor(self.answers.low),
            "answers_high": ceil(self.answers.high),
            "dollars_low": dollars and dollars.low,
            "dollars_high": dollars and dollars.high,
            "seconds_low": seconds and seconds.low,
            "seconds_high": seconds and seconds.high,
        }

    def within(self, dollars: float) -> str:
        """How far a limit goes, in a few words; "" where it is not known or goes all the way."""
        if self.dollars is None or dollars >= self.dollars.high:
            return ""
        if dollars >= self.dollars.low:
            return f"${dollars:g} may end it early, at worst after {dollars / self.dollars.high:.0%}"
        return f"${dollars:g} go {dollars / self.dollars.high:.0%} to {dollars / self.dollars.low:.0%} of the way"


def sharpened(lab: Lab, parts: Sequence[Expected], left: Span) -> Forecast:
    """While a run goes on: what is asked in all by model, `left` of it, at what answers have cost and how fast they came."""
    bought = lab.store.bought(lab.run)
    spent = lab.spend.now()
    answers = sum((one.answers for one in parts), Span(0, 0))
    each = [known_from(own, one.model, spent.wall_s) for one in parts if (own := _bought(lab, one, bought)).responses]
    dollars = None
    if len(each) == len(parts):
        paid = [
            one.answers * price for one, known in zip(parts, each, strict=True) if (price := known.dollars) is not None
        ]
        dollars = sum(paid, Span(0, 0)).spread(AFTERWARDS, SHIFT_AFTERWARDS) if len(paid) == len(parts) else None
    answers = answers.spread(AFTERWARDS, SHIFT_AFTERWARDS)
    each_s = spent.wall_s / max(1, spent.answers)
    paid = dollars and dollars.at_least(spent.dollars or 0.0)
    return Forecast(answers.at_least(bought.responses), paid, left * each_s * Span(0.5, 2.0))


def _bought(lab: Lab, one: Expected, in_all: Usage) -> Usage:
    """What a run has bought of one of its models."""
    return in_all if one.role == "both" else bought_for(lab.store, lab.run, one.role)


def known_of(store: Store, asked: Expected) -> Known | None:
    """What an answer of its model costs and takes, from the newest run with it in the store, on the same tasks if there is one;
    None where it has none. An answer that is an improver is no measure of those that are solutions, where two models share."""
    model, tasks = asked.model, [*asked.tasks]
    found: Known | None = None
    for record in reversed(store.runs()):
        told = _told_of(record.settings, asked.role)
        if (told.get("model"), told.get("base_url")) == (model.spec, model.base_url):
            alike = record.settings.get("tasks") == tasks
            if (alike or not found) and (bought := _of_role(store, record, asked.role)).responses:
                found = known_from(bought, model, record.spent.get("wall_s", 0.0))
                if alike or not tasks:
                    break
                found = _scaled(found, tasks, record.settings.get("tasks"), asked.seed)
    return found


def _told_of(settings: Mapping[str, Any], role: Role) -> Mapping[str, Any]:
    """Of an earlier run, how the model is told that had this role."""
    if role == "works inside":
        return settings
    proposer = settings.get("proposer")
    return (proposer or settings) if role == "writes improvers" else {} if proposer else settings


def _of_role(store: Store, record: RunRecord, role: Role) -> Usage:
    """What an earlier run has bought of the model that had this role."""
    return store.bought(record.id) if role == "both" else bought_for(store, record.id, role)


def _scaled(known: Known, wanted: Sequence[str], seen: Sequence[str] | None, seed: int) -> Known:
    """Scaled to other tasks: questions and answers are about as long as the start solutions, and what is around them."""
    try:
        after, before = (mean(len(one.start) for one in load_all(tasks, seed)) for tasks in (wanted, seen or wanted))
    except UsageError:  # a task of that run is gone
        return known
    scale = (after + AROUND) / (before + AROUND)
    return replace(known, dollars=None if known.dollars is None else known.dollars * scale)


def known_from(bought: Usage, model: ModelChoice, wall_s: float) -> Known:
    """What an answer costs and takes, from those that a run has bought in so many seconds of working on it."""
    dollars = model.price.of(bought.tokens_in, bought.tokens_out) if model.price else bought.dollars
    return Known(None if dollars is None else dollars / bought.responses, wall_s / bought.responses)


def _figures(value: float, whole: Callable[[float], float]) -> float:
    """Two figures of a number, by rounding down or up: a range does not lose the truth by being shown."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (floor(log10(value)) - 1)
    return whole(value / unit) * unit


def _between(span: Span, shown: Callable[[float], str]) -> str:
    low, high = shown(_figures(span.low, floor)), shown(_figures(span.high, ceil))
    return low if low == high else f"{low} to {high}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 0.1 else f"${dollars:.2g}"

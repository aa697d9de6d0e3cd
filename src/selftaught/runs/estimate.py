"""What a run may ask of its models at most, and what it probably will, told before it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selftaught.budget import Allowance, Usage
from selftaught.lab.rehearsal import PLAIN, rehearsal
from selftaught.models import Request
from selftaught.models.prices import LONGEST_GUESS, unpriced
from selftaught.program import Program
from selftaught.runs import kind_of
from selftaught.runs.forecast import BEFORE, SHIFT, Forecast, known_of
from selftaught.runs.model import open_model
from selftaught.runs.spans import Span
from selftaught.sandbox import Sandbox
from selftaught.settings import Assignment
from selftaught.settings.choice import Role
from selftaught.store import Store

_LONG_QUESTION = 8000
"""Bytes: twice what a program, a description and what surrounds them usually take."""
_FOR: Mapping[Role, str] = {
    "both": "",
    "writes improvers": " to write improvers",
    "works inside": " to work inside them",
}


@dataclass(frozen=True)
class AtMost:
    """What a run may use at most. Most improvers use far less of their allowance; the seed improver one call of it."""

    models: Mapping[str, int]
    """Answers of each model that is asked, by its name and, where two do different things, what it is for."""
    dollars: float | None
    """None: the price of some model is unknown."""
    max_tokens: Sequence[int | None]
    """Of each model, in the same order."""
    unpriced: str | None = None
    """What to do about a price that is unknown; None where there is none."""

    @property
    def answers(self) -> int:
        return sum(self.models.values())

    def of(self, answers: int) -> float | None:
        """Dollars that so many answers may cost."""
        return None if self.dollars is None or not self.answers else self.dollars * answers / self.answers

    def __str__(self) -> str:
        bound = "at most " + " and ".join(f"{answers:,} answers of {name}" for name, answers in self.models.items())
        if self.dollars is None:
            return f"{bound} at a price that is unknown (every allowance used up)"
        each = [f"of {one:,}" if one else f"taken to be of {LONGEST_GUESS:,}" for one in self.max_tokens]
        length = " and ".join(dict.fromkeys(each))
        return (
            f"{bound} for ${self.dollars:,.2f} (every allowance used up, questions taken to be of {_LONG_QUESTION:,} bytes, "
            f"answers {length} tokens)"
        )


def estimate(asked: Assignment, keyless: bool = False) -> AtMost:
    """An upper bound on what a run will ask of its models, from its settings alone. UsageError when a model lacks its key,
    unless `keyless` says that the run is only looked at."""
    models: dict[str, int] = {}
    longest: dict[str, int | None] = {}
    prices: list[float | None] = []
    why: str | None = None
    for one in kind_of(asked.plain()).bound(asked):
        model = open_model(one.model, keyless=keyless)
        name = model.name + _FOR[one.role]
        models[name] = models.get(name, 0) + one.answers
        longest[name] = one.model.max_tokens
        prices.append(model.ceiling(Request("", "x" * _LONG_QUESTION), one.answers))
        why = why or unpriced(model)
        model.close()
    known = [price for price in prices if price is not None]
    return AtMost(models, sum(known) if len(known) == len(prices) else None, [*longest.values()], why)


def forecast(asked: Assignment, store: Store | None, sandbox: Sandbox, text: Callable[[str], str]) -> Forecast:
    """Before a run. `text` gives the improvers' texts by their digests."""
    found: dict[tuple[str, Allowance], Usage] = {}

    def used(improver: str, allowance: Allowance) -> Usage:
        place = improver, allowance
        if place not in found:
            _, found[place], _ = rehearsal(sandbox.run, Program(text(improver)), PLAIN, allowance)
        return found[place]

    answers, dollars, seconds = Span(0, 0), Span(0, 0), Span(0, 0)
    prices = times = True
    for one in kind_of(asked.plain()).expected(asked, used):
        known = known_of(store, one) if store else None
        answers += one.answers
        if known is None or known.dollars is None:
            prices = False
        else:
            dollars += one.answers * known.dollars
        if known is None:
            times = False
        else:
            seconds += one.answers * known.seconds
    most = sum(one.answers for one in kind_of(asked.plain()).bound(asked))
    return Forecast(
        answers.spread(BEFORE, SHIFT).at_most(most),
        dollars.spread(BEFORE, SHIFT) if prices else None,
        seconds.spread(BEFORE, SHIFT) if times else None,
    )

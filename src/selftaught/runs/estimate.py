"""What a run may ask of its models at most, told before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selftaught.models import Request
from selftaught.models.prices import LONGEST_GUESS, unpriced
from selftaught.runs import kind_of
from selftaught.runs.model import open_model
from selftaught.settings import Assignment
from selftaught.settings.choice import Role

_LONG_QUESTION = 8000
"""Bytes: twice what a program, a description and what surrounds them usually take."""
_FOR: Mapping[Role, str] = {
    "both": "",
    "writes improvers": " to write improvers",
    "works inside": " to work inside them",
}


@dataclass(frozen=True)
class Estimate:
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


def estimate(asked: Assignment, keyless: bool = False) -> Estimate:
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
    return Estimate(models, sum(known) if len(known) == len(prices) else None, [*longest.values()], why)

"""What a run may ask of its model at most, told before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from selftaught.assignment import Assignment, load_every, load_tasks, open_model
from selftaught.budget import Allowance
from selftaught.meta import SCALE_REPETITIONS
from selftaught.models import Request
from selftaught.models.prices import LONGEST_GUESS
from selftaught.settings import Contest, Settings

if TYPE_CHECKING:
    from selftaught.experiments.plans import Plan

_LONG_QUESTION = 8000
"""Bytes: twice what a program, a description and what surrounds them usually take."""


@dataclass(frozen=True)
class Estimate:
    """What a run may use at most. Most improvers use far less of their allowance; the seed improver one call of it."""

    models: Mapping[str, int]
    """Answers of each model that is asked."""
    dollars: float | None
    """None: the price of some model is unknown."""
    max_tokens: int | None

    @property
    def answers(self) -> int:
        return sum(self.models.values())

    def __str__(self) -> str:
        bound = "at most " + " and ".join(f"{answers:,} answers of {name}" for name, answers in self.models.items())
        if self.dollars is None:
            return f"{bound} at a price that is unknown (every allowance used up)"
        length = f"of {self.max_tokens:,}" if self.max_tokens else f"taken to be of {LONGEST_GUESS:,}"
        return (
            f"{bound} for ${self.dollars:,.2f} (every allowance used up, questions taken to be of {_LONG_QUESTION:,} bytes, "
            f"answers {length} tokens)"
        )


def estimate(asked: Assignment, keyless: bool = False) -> Estimate:
    """An upper bound on what a run will ask of its models, from its settings alone. UsageError when a model lacks its key,
    unless `keyless` says that the run is only looked at."""
    if isinstance(asked, Settings):
        parts: list[tuple[Assignment, int]] = [(asked, _run_answers(asked))]
    elif isinstance(asked, Contest):
        parts = [(asked, _contest_answers(asked))]
    else:
        parts = _plan_parts(cast("Plan", asked))
    models: dict[str, int] = {}
    prices: list[float | None] = []
    for one, answers in parts:
        model = open_model(one, keyless=keyless)
        models[model.name] = models.get(model.name, 0) + answers
        prices.append(model.ceiling(Request("", "x" * _LONG_QUESTION), answers))
        model.close()
    known = [price for price in prices if price is not None]
    return Estimate(models, sum(known) if len(known) == len(prices) else None, asked.max_tokens)


def _contest_answers(contest: Contest) -> int:
    cells = (
        len(contest.entrants) * len(load_every(contest.tasks, contest.seed)) * (contest.limit or contest.repetitions)
    )
    return cells * contest.inner.calls * contest.inner.responses


def _plan_parts(plan: Plan) -> list[tuple[Assignment, int]]:
    """What is asked for every arm, whose model may be its own, and for what is compared afterwards."""
    parts: list[tuple[Assignment, int]] = []
    for arm in plan.arms:
        again = 2 * _again_answers(arm.settings) if plan.again else 0
        parts.append((arm.settings, plan.runs * (_run_answers(arm.settings) + again)))
    if contest := plan.contest:
        entrants = len(contest.entrants) + len(plan.arms) * plan.runs
        parts.append((contest, _contest_answers(replace(contest, entrants=contest.entrants[:1])) * entrants))
    return parts


def _again_answers(settings: Settings) -> int:
    """What one outer run, its scorings, and the test of what it makes may ask."""
    outer = _allowed(settings.outer) + settings.outer.scorings * settings.repetitions * _once_answers(settings)
    return outer + len(load_tasks(settings)[1]) * settings.test * _allowed(settings.inner)


def _once_answers(settings: Settings) -> int:
    """What one repetition of every task of a recursion may ask. On û an improver scores others, and its result is judged."""
    tasks = len(load_tasks(settings)[0]) * _allowed(settings.inner)
    return tasks + (_allowed(settings.itself) + (settings.itself.scorings + 1) * tasks if settings.itself else 0)


def _allowed(allowance: Allowance) -> int:
    return allowance.calls * allowance.responses


def _run_answers(settings: Settings) -> int:
    once, inner = _once_answers(settings), _allowed(settings.inner)
    test_tasks = len(load_tasks(settings)[1])
    proposing = _allowed(settings.outer) + settings.outer.scorings * settings.repetitions * once
    judging = 2 * settings.validation * once
    # Best-of-n repeats the seed improver until it has as many answers as the improved one, rounded up: as much as two arms,
    # if the seed improver asks for as much on test as it did on validation. Discovery does it again with twice as many.
    arms, recursions = settings.rounds + 1 + 2, 1
    if settings.controls == "all":
        frozen, sham, doubled = 1, 1, 4
        arms, recursions = arms + frozen + sham + doubled, 2
    measuring = SCALE_REPETITIONS * len(load_tasks(settings)[0]) * inner if settings.itself else 0
    return measuring + recursions * settings.rounds * (proposing + judging) + arms * test_tasks * settings.test * inner

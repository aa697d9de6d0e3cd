"""Downstream tasks: what the meta-utility is the mean over, on one common scale.

On that scale 0 is the start solution, on the very same instances, and 1 the best solution known. Its unit, the headroom of a
task, is fixed before a run, so that values of different tasks and instances can be averaged.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from selftaught.budget import Allowance, Usage
from selftaught.errors import UsageError
from selftaught.lab import Lab
from selftaught.plain import JSON
from selftaught.program import Program
from selftaught.task import Half, Split, Task
from selftaught.utility import TaskUtility, Utility

_log = logging.getLogger(__name__)
LEAST_HEADROOM = 0.1
"""A task with less to gain, as a share of its best, stands in tables only: its unit is so small that it drowns the others."""
SCALE_REPETITIONS = 8
"""How many train repetitions the start solution's raw score is measured on."""


class Downstream(Protocol):
    """A downstream task of the meta-utility: what an improver is given to improve, and what judges it."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> str: ...
    @property
    def best(self) -> float: ...
    @property
    def known_start(self) -> float | None: ...

    @property
    def top(self) -> float | None:
        """What a raw score can be at most; None where there is no bound."""
        ...

    @property
    def source(self) -> str:
        """Digest of all that decides a score of this task."""
        ...

    @property
    def own_allowance(self) -> Allowance | None:
        """What an improver run on it may use, where that is not what the meta-utility gives."""
        ...

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> Utility:
        """What judges its solutions on one half of one repetition."""
        ...


class SolutionTask:
    """A task of the box or of the user's own, as the meta-utility sees it: its solutions are programs like any other."""

    own_allowance = None

    def __init__(self, task: Task) -> None:
        self.task = task
        self.name, self.start, self.best, self.known_start = task.name, task.start, task.best, task.known_start
        self.top = None if task.unbounded else 1.0

    @property
    def source(self) -> str:
        return self.task.source

    def utility(self, lab: Lab, split: Split, repetition: JSON, half: Half) -> Utility:
        return TaskUtility(lab, self.task, split, repetition, half)


@dataclass(frozen=True)
class ScaledTask:
    """A task on the common scale: the start solution is 0, the reference best 1, nothing is clipped."""

    task: Downstream
    start: float
    """Raw score of the start solution, measured before the run: it fixes the headroom, and nothing else."""

    @property
    def headroom(self) -> float:
        """What there is to gain at most, as raw score: the unit of the common scale."""
        return self.task.best - self.start

    @property
    def bounds(self) -> tuple[float, float] | None:
        """What a value can be at all; None where grades have no bound."""
        top = self.task.top
        return None if top is None else (-top / self.headroom, top / self.headroom)

    @property
    def counts(self) -> bool:
        """Whether the task has headroom enough for its values to stand in means beside those of others."""
        return self.headroom >= LEAST_HEADROOM * self.task.best

    def value(self, raw: float, start: float) -> float:
        """The common scale: what was gained over the start solution on the very same instances, by the headroom."""
        return (raw - start) / self.headroom

    @property
    def identity(self) -> JSON:
        """What tells a task on its scale from every other."""
        return [self.task.name, self.task.source, self.start, self.task.best]


@dataclass(frozen=True)
class Cell:
    """One improver run on one repetition of one task, judged."""

    task: str
    value: float
    """On the common scale."""
    raw: float
    before: float
    """Raw score of the start solution on the same instances."""
    failures: Sequence[str]
    """Why improver runs of it ended before they returned, for each that did."""
    usage: Usage
    counts: bool = True
    """Whether the task has headroom enough to stand in means over tasks."""
    runs: int = 1
    """How many improver runs it is the best of."""
    empty: bool = False
    """Whether nothing came of these, so that the start solution counts."""
    used_up: int = 0
    """How many of them ended where their allowance did, with something handed in: that is no failure."""


def failing(cells: Sequence[Cell]) -> float:
    """The share of improver runs that failed, whatever they had handed in before."""
    return sum(len(cell.failures) - cell.used_up for cell in cells) / max(1, sum(cell.runs for cell in cells))


def counting(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that stand in means over tasks: those with headroom enough, or all where no task has it."""
    return [cell for cell in cells if cell.counts] or [*cells]


def by_task(cells: Sequence[Cell]) -> dict[str, list[float]]:
    """The cells' values by task, in order."""
    scores: dict[str, list[float]] = {}
    for cell in cells:
        scores.setdefault(cell.task, []).append(cell.value)
    return scores


def bounds_in_means(tasks: Sequence[ScaledTask]) -> list[tuple[float, float] | None]:
    """What a value can be, of each task that stands in means over tasks."""
    return [one.bounds for one in tasks if one.counts] or [one.bounds for one in tasks]


def highest(tasks: Sequence[ScaledTask]) -> float | None:
    """What a mean over tasks can be at most; None where one of them has no bound."""
    bounds = bounds_in_means(tasks)
    tops = [one[1] for one in bounds if one]
    return sum(tops) / len(tops) if tops and len(tops) == len(bounds) else None


def with_scale(lab: Lab, task: Task | Downstream) -> ScaledTask:
    """Fix the scale of a task: measure its start solution once, on train instances that nothing else uses.

    Raises UsageError where the start solution leaves nothing to gain.
    """
    downstream = SolutionTask(task) if isinstance(task, Task) else task
    known = downstream.known_start
    start = _measure_start(lab, downstream) if known is None else known
    if start >= downstream.best:
        raise UsageError(
            f"task {downstream.name}: its start solution already scores {start:.3f}, the best is {downstream.best:g}"
        )
    return ScaledTask(downstream, start)


def _measure_start(lab: Lab, task: Downstream) -> float:
    start = Program(task.start)
    utilities = [task.utility(lab, "train", ["scale", i], "judged") for i in range(SCALE_REPETITIONS)]
    scores = [utility.score(start) for utility in utilities]
    if all(score.value is None for score in scores):
        _log.warning("task %s: its start solution fails on every instance (%s)", task.name, scores[0].reason)
    return sum(score.number for score in scores) / len(scores)

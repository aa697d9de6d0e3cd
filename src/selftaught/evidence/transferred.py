"""What the improved improvers gain over the seed improver on the tasks compared afterwards: one by one, and as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean as mean
from typing import NotRequired, TypedDict

from selftaught.evidence.contest import AgainstFirst, ContestFigures, EntrantFigures
from selftaught.evidence.statistics import Bounds, PlainInterval, over_runs
from selftaught.evidence.statistics.bounds import of_mean, over_all


class Transferred(TypedDict):
    """What the improved improvers gain over the first improver on the tasks compared afterwards."""

    improvers: dict[str, AgainstFirst | None]
    """Each by itself: the unit is a repetition."""
    over_start: PlainInterval
    """The method over the start solutions, on all tasks: the unit, here and below, is a recursion."""
    overall: PlainInterval
    """The method over the first improver, on all tasks."""
    per_task: dict[str, PlainInterval]
    like: NotRequired[PlainInterval]
    """Over the tasks of families that the recursions worked on, where there are both kinds."""
    unlike: NotRequired[PlainInterval]


class Afterwards(ContestFigures):
    """The comparison after the recursions of an experiment, with the improvers that these ended with."""

    made: list[str]
    """The names of those."""
    starts: dict[str, float]
    """The start solutions' raw scores, by task."""
    unlike_training: list[str]
    """The tasks of no family that the recursions worked on."""
    transfer: Transferred


def transferred(
    figures: ContestFigures, made: Sequence[str], unlike: Sequence[str], bounds: Mapping[str, Bounds | None]
) -> Transferred:
    """From a comparison's document: the difference to its first improver, of each improver made and over all of them.

    `improvers` are about single improvers (the unit is a repetition); the others are about the method (the unit is a
    recursion): over the start solutions, as a lead over an improver that is worse than these is none; then over all tasks, by
    task, and over the tasks `like` and `unlike` those of the recursions where there are both.
    Tasks with too little to gain stand in the figures by task only. `bounds` are those of each task. The first improver's own
    chance is shared by all differences and is not in the intervals about the method.
    """
    rows = {one["name"]: one for one in figures["improvers"]}
    first, every = figures["improvers"][0], list(figures["tasks"])
    tasks = [task for task in every if task not in figures["little_headroom"]] or every

    def among(some: Sequence[str]) -> Bounds | None:
        return over_all([bounds[task] for task in some], of_mean)

    def over(some: Sequence[str]) -> PlainInterval:
        values = [_mean(rows[name], some) - _mean(first, some) for name in made]
        return over_runs(values, among(some)).plain()

    like, other = ([task for task in tasks if (task in unlike) == apart] for apart in (False, True))
    found: Transferred = {
        "improvers": {name: rows[name]["against_first"] for name in made},
        "over_start": over_runs([_mean(rows[name], tasks) for name in made], among(tasks)).plain(),
        "overall": over(tasks),
        "per_task": {task: over([task]) for task in every},
    }
    return {**found, "like": over(like), "unlike": over(other)} if like and other else found


def _mean(one: EntrantFigures, tasks: Sequence[str]) -> float:
    """Over these tasks; 0 is the start solution of each."""
    return mean(one["per_task"][task]["mean"] for task in tasks)

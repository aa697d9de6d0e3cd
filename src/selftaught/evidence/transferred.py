"""What the improved improvers gain over the seed improver on the tasks compared afterwards: one by one, and as a method."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean
from typing import NotRequired, TypedDict

from selftaught.evidence.contest import AgainstFirst, ContestFigures, EntrantFigures
from selftaught.evidence.statistics import Bounds, PlainInterval, over_runs


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
    figures: ContestFigures, made: Sequence[str], unlike: Sequence[str], bounds: Bounds | None
) -> Transferred:
    """From a comparison's document: the difference to its first improver, of each improver made and over all of them.

    `improvers` are about single improvers (the unit is a repetition); the others are about the method (the unit is a
    recursion): over the start solutions, as a lead over an improver that is worse than these is none; then over all tasks, by
    task, and over the tasks `like` and `unlike` those of the recursions where there are both.
    `bounds` are those of a mean over tasks. The first improver's own chance is shared by all differences and is not in the
    intervals about the method.
    """
    rows = {one["name"]: one for one in figures["improvers"]}
    first, tasks = figures["improvers"][0], list(figures["tasks"])

    def over(some: Sequence[str]) -> PlainInterval:
        values = [_mean(rows[name], some) - _mean(first, some) for name in made]
        return over_runs(values, bounds).plain()

    like = [task for task in tasks if task not in unlike]
    found: Transferred = {
        "improvers": {name: rows[name]["against_first"] for name in made},
        "over_start": over_runs([_mean(rows[name], tasks) for name in made], bounds).plain(),
        "overall": over(tasks),
        "per_task": {task: over([task]) for task in tasks},
    }
    return {**found, "like": over(like), "unlike": over(unlike)} if like and unlike else found


def _mean(one: EntrantFigures, tasks: Sequence[str]) -> float:
    """Over these tasks; 0 is the start solution of each."""
    return mean(one["per_task"][task]["mean"] for task in tasks)

"""What the improved improvers gain over the seed improver on the tasks compared afterwards: one by one, and as a method."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean as mean
from typing import NotRequired, TypedDict

from selftaught.evidence.contest import AgainstFirst, ContestFigures, EntrantFigures
from selftaught.evidence.statistics import PlainInterval, over_runs


class Transferred(TypedDict):
    """What the improved improvers gain over the first improver on the tasks compared afterwards."""

    improvers: dict[str, AgainstFirst | None]
    """Each by itself: the unit is a repetition."""
    overall: PlainInterval
    """The method, over all tasks: the unit, here and below, is a recursion."""
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


def transferred(figures: ContestFigures, made: Sequence[str], unlike: Sequence[str]) -> Transferred:
    """From a comparison's document: the difference to its first improver, of each improver made and over all of them.

    `improvers` are about single improvers (the unit is a repetition); the others are about the method (the unit is a
    recursion): over all tasks, by task, and over the tasks `like` and `unlike` those of the recursions where there are both.
    The first improver's own chance is shared by all differences and is not in the intervals about the method.
    """
    rows = {one["name"]: one for one in figures["improvers"]}
    first, tasks = figures["improvers"][0], list(figures["tasks"])

    def over(some: Sequence[str]) -> PlainInterval:
        values = [mean(_difference(rows[name], first, task) for task in some) for name in made]
        return over_runs(values).plain()

    like = [task for task in tasks if task not in unlike]
    found: Transferred = {
        "improvers": {name: rows[name]["against_first"] for name in made},
        "overall": over(tasks),
        "per_task": {task: over([task]) for task in tasks},
    }
    return {**found, "like": over(like), "unlike": over(unlike)} if like and unlike else found


def _difference(one: EntrantFigures, other: EntrantFigures, task: str) -> float:
    return one["per_task"][task]["mean"] - other["per_task"][task]["mean"]

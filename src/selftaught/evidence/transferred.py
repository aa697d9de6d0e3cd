"""What the improved improvers gain over the seed improver on the tasks compared afterwards: one by one, and as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean as mean
from typing import Any

from selftaught.evidence.statistics import over_runs
from selftaught.plain import JSON


def transferred(figures: Mapping[str, Any], made: Sequence[str], unlike: Sequence[str]) -> dict[str, JSON]:
    """From a comparison's document: the difference to its first improver, of each improver made and over all of them.

    `improvers` are about single improvers (the unit is a repetition); the others are about the method (the unit is a
    recursion): over all tasks, by task, and over the tasks `like` and `unlike` those of the recursions where there are both.
    The first improver's own chance is shared by all differences and is not in the intervals about the method.
    """
    rows = {one["name"]: one for one in figures["improvers"]}
    first, tasks = figures["improvers"][0], list(figures["tasks"])

    def over(some: Sequence[str]) -> dict[str, JSON]:
        values = [mean(_difference(rows[name], first, task) for task in some) for name in made]
        return over_runs(values).plain()

    like = [task for task in tasks if task not in unlike]
    found: dict[str, JSON] = {
        "improvers": {name: rows[name]["against_first"] for name in made},
        "overall": over(tasks),
        "per_task": {task: over([task]) for task in tasks},
    }
    return found | ({"like": over(like), "unlike": over(unlike)} if like and unlike else {})


def _difference(one: Mapping[str, Any], other: Mapping[str, Any], task: str) -> float:
    return one["per_task"][task]["mean"] - other["per_task"][task]["mean"]

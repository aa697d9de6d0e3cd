"""What a value can be at all, known before anything is run.

A cell's value is (raw score of the judged program - raw score of the start solution on the same instances) / headroom. Raw
scores lie between 0 and `top`, the headroom of a task is fixed before the run: so the bounds are known too.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from selftaught.errors import UsageError
from selftaught.evidence.statistics.values import Bounds


def of_value(headroom: float, start: Bounds = (0.0, 1.0), top: float = 1.0) -> Bounds:
    """Bounds of one cell of a task. `start`: between what the start solution scores on any instances, as far as known."""
    if not headroom > 0:
        raise UsageError(f"a headroom of {headroom:g} is none: a task's scale needs more than 0")
    return -start[1] / headroom, (top - start[0]) / headroom


def of_difference(headroom: float, top: float = 1.0) -> Bounds:
    """Bounds of the difference of two cells on the same instances: what the start scores on them cancels out."""
    return of_value(headroom, (0.0, top), top)


def widest(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds that hold for a value of every task: for a confidence sequence over blocks of all tasks."""
    return min(low for low, _ in tasks), max(high for _, high in tasks)


def of_mean(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds of the mean over tasks: for one figure per recursion."""
    return fmean(low for low, _ in tasks), fmean(high for _, high in tasks)

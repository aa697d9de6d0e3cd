"""What a figure over several tasks can be at all, from what a value of each can be (`downstream.ScaledTask.bounds`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from selftaught.evidence.statistics.values import Bounds


def widest(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds that hold for a value of every task: for a confidence sequence over blocks of all tasks."""
    return min(low for low, _ in tasks), max(high for _, high in tasks)


def over_all(tasks: Sequence[Bounds | None], how: Callable[[Sequence[Bounds]], Bounds]) -> Bounds | None:
    """Bounds of a figure over tasks, by one of these functions; None where a value of one of them has no bound."""
    known = [one for one in tasks if one is not None]
    return how(known) if len(known) == len(tasks) else None


def of_mean(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds of the mean over tasks: for one figure per recursion."""
    return fmean(low for low, _ in tasks), fmean(high for _, high in tasks)

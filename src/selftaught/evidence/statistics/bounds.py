"""What a figure over several tasks can be at all, from what a value of each can be (`downstream.ScaledTask.bounds`)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from selftaught.evidence.statistics.values import Bounds


def widest(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds that hold for a value of every task: for a confidence sequence over blocks of all tasks."""
    return min(low for low, _ in tasks), max(high for _, high in tasks)


def of_mean(tasks: Sequence[Bounds]) -> Bounds:
    """Bounds of the mean over tasks: for one figure per recursion."""
    return fmean(low for low, _ in tasks), fmean(high for _, high in tasks)

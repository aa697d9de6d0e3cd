"""Means over tasks and differences of two improvers: t intervals, about these tasks or about unseen ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from selftaught.evidence.statistics.values import (
    ALPHA,
    About,
    Array,
    Bounds,
    Estimate,
    Interval,
    Scores,
    checked,
    differences,
    special,
)

MIN_TASKS = 10
"""Fewer tasks than this are no sample from which to speak of unseen ones."""


def interval(scores: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> Interval:
    """The mean over tasks of the mean score, with its t interval.

    By default the tasks are fixed and each task's repetitions are independent (standard error by task, degrees of
    freedom after Satterthwaite); with `unseen` the tasks are the sample, and the interval holds that of these tasks.
    `bounds` are what a value can be at all, where that is known: they clip the interval, and give one when all values
    are equal.
    """
    return _estimate(checked(scores), unseen, bounds).interval()


def paired(a: Scores, b: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> Interval:
    """The mean difference a - b, paired by (task, repetition); otherwise as `interval`. `bounds` are a difference's."""
    return difference(a, b, unseen=unseen, bounds=bounds).interval()


def p_value(a: Scores, b: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> float:
    """Two-sided p of "no difference on average", by the method of `paired`; 1.0 where that gives no interval."""
    return difference(a, b, unseen=unseen, bounds=bounds).p()


def equivalence_p(a: Scores, b: Scores, margin: float, *, unseen: bool = False) -> float:
    """p of "the average difference is at least the margin", from two one-sided tests; 1.0 where there is no interval.

    Doubled, so that it is below 5 % exactly where the interval of `paired` lies within the margin.
    """
    return difference(a, b, unseen=unseen).equivalence_p(margin)


def difference(a: Scores, b: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> Estimate:
    """The mean difference a - b, paired by (task, repetition), to be tested and bounded at any level."""
    return _estimate(differences(a, b), unseen, bounds)


def _estimate(table: Mapping[str, Array], unseen: bool, bounds: Bounds | None) -> Estimate:
    inner = _within_tasks(table, "this improver on these tasks", bounds)
    return Nested(inner, _over_tasks(table, bounds)) if unseen else inner


@dataclass(frozen=True)
class Student:
    """A mean with its standard error and degrees of freedom; `gap` says why these two are missing."""

    mean: float
    n: int
    about: About
    bounds: Bounds | None
    error: float = 0.0
    freedom: float = 0.0
    gap: str = ""
    equal: bool = False
    """All repetitions of each task gave the same value: the spread is unknown, not zero."""

    def interval(self, alpha: float = ALPHA) -> Interval:
        if self.equal and self.bounds:
            # If a share q of the values is that one, n equal ones have probability q^n; below alpha it is not believed.
            margin = (1.0 - alpha ** (1.0 / self.n)) * self._range
            return self._around(margin, "all values equal: bound on the share of other values")
        if self.gap:
            return Interval(self.mean, None, None, self.n, self.about, self.gap)
        margin = float(special().stdtrit(self.freedom, 1 - alpha / 2)) * self.error
        return self._around(margin, f"t, {self.freedom:.1f} degrees of freedom")

    def p(self) -> float:
        return self._beyond(abs(self.mean))

    def equivalence_p(self, margin: float) -> float:
        return self._beyond(margin - abs(self.mean))

    def _beyond(self, distance: float) -> float:
        """The level at which the interval reaches just so far from the mean; 1.0 where it always does, or there is none."""
        if self.equal and self.bounds:
            return (1.0 - min(1.0, max(0.0, distance) / self._range)) ** self.n
        if self.gap:
            return 1.0
        return min(1.0, 2.0 * float(special().stdtr(self.freedom, -distance / self.error)))

    @property
    def _range(self) -> float:
        low, high = self.bounds or (-math.inf, math.inf)
        return float(high - low)

    def _around(self, margin: float, method: str) -> Interval:
        low, high = self.mean - margin, self.mean + margin
        if self.bounds:
            low, high = max(low, float(self.bounds[0])), min(high, float(self.bounds[1]))
        return Interval(self.mean, low, high, self.n, self.about, method)


@dataclass(frozen=True)
class Nested:
    """A mean over unseen tasks beside the same mean over these. What holds for all tasks holds for these: the interval is
    the wider of both at either end, and p the larger. Where these tasks have no interval, how wide that is is not known, so
    that unseen ones have none either.
    """

    inner: Student
    outer: Student

    @property
    def mean(self) -> float:
        return self.outer.mean

    def interval(self, alpha: float = ALPHA) -> Interval:
        return wider(self.inner.interval(alpha), self.outer.interval(alpha))

    def p(self) -> float:
        return self._larger(self.inner.p(), self.outer.p())

    def equivalence_p(self, margin: float) -> float:
        return self._larger(self.inner.equivalence_p(margin), self.outer.equivalence_p(margin))

    def _larger(self, inner: float, outer: float) -> float:
        return 1.0 if self.inner.interval().low is None else max(inner, outer)


def wider(inner: Interval, outer: Interval) -> Interval:
    """The outer of two nested claims, its interval stretched to hold that of the inner one; none where one has none."""
    if outer.low is None or outer.high is None:
        return outer
    if inner.low is None or inner.high is None:
        return replace(outer, low=None, high=None, method=inner.method)
    low, high = min(inner.low, outer.low), max(inner.high, outer.high)
    if (low, high) == (outer.low, outer.high):
        return outer
    return replace(outer, low=low, high=high, method=f"{outer.method}; stretched to that of {inner.about}")


def _within_tasks(table: Mapping[str, Array], about: About, bounds: Bounds | None) -> Student:
    """Tasks fixed, repetitions resampled: variances add up by task, degrees of freedom after Satterthwaite."""
    mean = float(np.mean([values.mean() for values in table.values()]))
    n = sum(map(len, table.values()))
    single = [task for task, values in table.items() if len(values) < 2]
    if single:
        return Student(mean, n, about, bounds, gap=f"no interval: one repetition of {single[0]}")
    shares = [float(values.var(ddof=1)) / len(values) / len(table) ** 2 for values in table.values()]
    total = sum(shares)
    if _negligible(total, mean):
        gap = "no interval: all values equal, their spread is unknown"
        return Student(mean, n, about, bounds, gap=gap, equal=True)
    terms = (share**2 / (len(values) - 1) for share, values in zip(shares, table.values(), strict=True))
    return Student(mean, n, about, bounds, math.sqrt(total), total**2 / sum(terms))


def _over_tasks(table: Mapping[str, Array], bounds: Bounds | None) -> Student:
    """Tasks resampled: each task's mean is one value."""
    means = np.array([values.mean() for values in table.values()])
    if len(means) < MIN_TASKS:
        gap = f"no interval: {len(means)} tasks, unseen tasks need at least {MIN_TASKS}"
        return Student(float(means.mean()), len(means), "unseen tasks", bounds, gap=gap)
    return _within_tasks({"tasks": means}, "unseen tasks", bounds)


def _negligible(variance: float, mean: float) -> bool:
    """Whether the variance of a mean is nothing but rounding."""
    return math.sqrt(variance) <= 1e-12 * max(1.0, abs(mean))

"""Verdicts about a method: the unit is one whole recursion, and a few of them may all have missed a rare event.

Ten recursions that all came out alike say little of a jump that happens in one of fifty, and with it the mean may be
anything. So the mean is tested with what is known for certain, the bounds of a value: against each possible mean a bettor
stakes a fixed share of what he has on every value; were it the mean, he would on average not gain, so a fortune of 1/p has
probability p at most (Ville; the stakes mixed as in universal portfolios). No order and no shape is assumed. In how many
recursions the method was better is a question of its own, with the exact interval of a share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from selftaught.evidence.statistics.shares import exact
from selftaught.evidence.statistics.values import (
    ALPHA,
    Array,
    Bounds,
    Interval,
    PlainInterval,
    Verdict,
    VerdictKind,
    checked,
    special,
    within,
)
from selftaught.evidence.statistics.verdicts import NO_BETTER, Passed, Step, guards_of, settled, steps

_STAKES = np.arange(1, 11) / 10
_SPLIT = np.array([0.025] * 9 + [0.775])
"""Most is staked as if nothing lay below what was seen: that decides with fewest recursions, the others bear with spread."""


def over_runs(values: Sequence[float], bounds: Bounds | None = None) -> Interval:
    """The mean of one figure per recursion, about the method. `bounds`: what a figure can be; without them, no interval."""
    return _estimate(values, bounds).interval()


def of_methods(
    samples: Sequence[Sequence[float]], bounds: Bounds | None = None, passed: Sequence[Passed] | None = None
) -> list[Verdict]:
    """Verdicts about several methods, from one difference per recursion of each; corrected for their number.

    `passed`: better is said only of what has been found better than the start solution.
    """
    found = [_estimate(values, bounds) for values in samples]
    return settled(found, guards=guards_of(found, passed) if passed else None)


def _estimate(values: Sequence[float], bounds: Bounds | None) -> Bounded | Unbounded:
    array = checked({"runs": values})["runs"]
    return Unbounded(float(array.mean()), len(array)) if bounds is None else Bounded(array, bounds)


@dataclass(frozen=True)
class Unbounded:
    """A mean of values of which nothing is known but what was seen: nothing can be said of others."""

    mean: float
    n: int

    def interval(self, alpha: float = ALPHA) -> Interval:  # noqa: ARG002 - there is none at any level
        return Interval(self.mean, None, None, self.n, "the method", "no interval: the bounds of a value are not known")

    def p(self) -> float:
        return 1.0

    def equivalence_p(self, margin: float) -> float:  # noqa: ARG002 - as for the interval
        return 1.0


@dataclass(frozen=True)
class Bounded:
    """A mean of values that are independent, alike, and lie within bounds; nothing else is assumed."""

    values: Array
    bounds: Bounds

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    def interval(self, alpha: float = ALPHA) -> Interval:
        low, high = self.bounds
        first, last = least(self._shares, alpha / 2), 1.0 - least(1.0 - self._shares, alpha / 2)
        width, n = high - low, len(self.values)
        method = f"betting on bounded values, {n} recursions"
        if self._most() >= alpha:
            method += ": too few to decide anything, however they come out"
        return Interval(self.mean, low + width * first, low + width * last, n, "the method", method)

    def p(self) -> float:
        return float(p_beyond(self._shares, self._share(0.0)))

    def equivalence_p(self, margin: float) -> float:
        above = fortune(self._shares, self._share(-margin))
        below = fortune(1.0 - self._shares, 1.0 - self._share(margin))
        return min(1.0, 2.0 * math.exp(-max(0.0, float(min(above, below)))))

    def _most(self) -> float:
        """The smallest p that so many recursions could have come to."""
        best = np.stack([np.ones(len(self.values)), np.zeros(len(self.values))])
        return float(p_beyond(best, np.full(2, self._share(0.0))).min())

    @cached_property
    def _shares(self) -> Array:
        return within(self.values, self.bounds)

    def _share(self, mean: float) -> float:
        low, high = self.bounds
        return (mean - low) / (high - low)


def fortune(values: Array, mean: Array | float) -> Array:
    """The logarithm of what a stake of 1 has become that bets on values in [0, 1] being above this mean; values along the
    last axis, as many means as there are samples.
    """
    mean = np.asarray(mean, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / mean[..., None]
        gained = np.log1p(_STAKES[:, None] * (ratios[..., None, :] - 1.0)).sum(axis=-1)
        most = gained.max(axis=-1)
        total = most + np.log((_SPLIT * np.exp(gained - most[..., None])).sum(axis=-1))
    return np.where(mean > 0.0, total, np.where(values.any(axis=-1), np.inf, 0.0))


def p_beyond(values: Array, mean: Array | float) -> Array:
    """Two-sided p of "this is the mean" for samples of values in [0, 1], along the last axis."""
    return np.minimum(
        1.0, 2.0 * np.exp(-np.maximum(fortune(values, mean), fortune(1.0 - values, 1.0 - np.asarray(mean))))
    )


def least(values: Array, alpha: float) -> float:
    """The smallest mean in [0, 1] that is not refuted: a bettor on more has never had 1/alpha of his stake."""
    refuted, kept, goal = 0.0, float(values.mean()), math.log(1.0 / alpha)
    while kept - refuted > _PRECISION:
        # Many at once: one call for four bits of the answer.
        tried = np.linspace(refuted, kept, _TRIED + 2)[1:-1]
        below = int((fortune(np.broadcast_to(values, (_TRIED, len(values))), tried) > goal).sum())
        ends = np.concatenate(([refuted], tried, [kept]))
        refuted, kept = float(ends[below]), float(ends[below + 1])
    return refuted


_TRIED = 15
_PRECISION = 1e-9
"""Ends of an interval are exact to this share of the range, rounded outwards."""


# --- in how many of them --------------------------------------------------------------------------------------------


class PlainMajority(PlainInterval):
    """In how many recursions a method was better: `mean` is their share."""

    better: int
    worse: int
    kind: VerdictKind
    """`better`: in more than half of all recursions; `worse` likewise."""
    why: str
    """Why it was not tested whether it is most of them; empty where it was."""


@dataclass(frozen=True)
class Majority:
    """In how many recursions a method was better: the share with its exact interval, and whether it is most of them.

    It says nothing of the mean: a method may be a little worse in most recursions and much better in few.
    """

    better: int
    worse: int
    share: Interval
    kind: VerdictKind
    """`better`: in more than half of all recursions; `worse` likewise. Recursions without a difference are neither."""
    why: str = ""
    """Why it was not tested whether it is most of them."""

    def plain(self) -> PlainMajority:
        return {
            "better": self.better,
            "worse": self.worse,
            "kind": self.kind,
            "why": self.why,
            **self.share.plain(),
        }


def in_most(samples: Sequence[Sequence[float]], passed: Sequence[Passed] | None = None) -> list[Majority]:
    """The share of recursions in which each of several methods was better; corrected for their number (sign test, Holm).

    `passed` as in `of_methods`: whether it is better than the start solution in most recursions.
    """
    counts = [_counts(checked({"runs": values})["runs"]) for values in samples]
    sides = passed or [(True, True)] * len(counts)
    guarded = [
        not (first if better >= worse else second)
        for (better, worse, _), (first, second) in zip(counts, sides, strict=True)
    ]
    halves = [min(_half(better, n), _half(worse, n)) for better, worse, n in counts]
    found = steps([1.0 if guard else half for half, guard in zip(halves, guarded, strict=True)])
    return [_majority(*one, step, guard) for one, step, guard in zip(counts, found, guarded, strict=True)]


def _counts(values: Array) -> tuple[int, int, int]:
    return int((values > 0).sum()), int((values < 0).sum()), len(values)


def _half(successes: int, n: int) -> float:
    """Two-sided p of "at most half of all": twice the upper tail."""
    tail: Any = special().bdtrc(successes - 1, n, 0.5) if successes else 1.0
    return min(1.0, 2.0 * float(tail))


def _majority(better: int, worse: int, n: int, step: Step, guarded: bool) -> Majority:
    kind: VerdictKind = "indecisive" if not step.firm else "better" if better > worse else "worse"
    why = f"not tested: {NO_BETTER} in most recursions" if guarded else ""
    return Majority(better, worse, exact(better, n, "recursions", step.level), kind, why)

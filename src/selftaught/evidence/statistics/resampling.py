"""Figures by resampling: the interquartile mean and the probability of improvement (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from selftaught.evidence.statistics.values import ALPHA, About, Array, Interval, Scores, checked, same_shape, stats

MIN_REPETITIONS = 5
"""Fewer repetitions of a task than this, or fewer than twice as many values in all, are too few to resample: a
percentile bootstrap of 3 covers 61 % to 85 % of the time instead of 95 % (measured on normal and two-peaked scores)."""
RESAMPLES = 2000
"""How many resamples a bootstrap draws."""


def interquartile_mean(scores: Scores) -> Interval:
    """The mean of the middle half of all values, with a bootstrap interval stratified by task (Agarwal et al. 2021)."""
    table = checked(scores)

    def statistic(*samples: Array, axis: int = -1) -> Array:
        values: Array = np.concatenate(samples, axis=axis)
        return stats().trim_mean(values, 0.25, axis=axis)

    return _bootstrap(list(table.values()), statistic, "stratified percentile bootstrap of the interquartile mean")


def improvement_probability(a: Scores, b: Scores) -> Interval:
    """How probable it is that a run of `a` beats a run of `b` on the same task, ties counting half; mean over tasks.

    The sides are resampled apart (Agarwal et al. 2021): cautious where they share their random numbers.
    """
    left, right = checked(a), checked(b)
    same_shape(left, right)

    def statistic(*samples: Array, axis: int = -1) -> Array:  # noqa: ARG001 - the axis is always the last one
        sides = samples[: len(left)], samples[len(left) :]
        wins = [np.heaviside(x[..., :, None] - y[..., None, :], 0.5) for x, y in zip(*sides, strict=True)]
        return np.mean([win.mean((-1, -2)) for win in wins], axis=0)

    samples = [*left.values(), *(right[task] for task in left)]
    return _bootstrap(samples, statistic, "stratified percentile bootstrap of the probability of improvement")


def _bootstrap(samples: Sequence[Array], statistic: Callable[..., Array], method: str) -> Interval:
    """A percentile bootstrap, each sample resampled by itself. Seeded: the same figures give the same interval."""
    about: About = "this improver on these tasks"
    value, n = float(statistic(*samples)), sum(map(len, samples))
    if min(map(len, samples)) < MIN_REPETITIONS or n < 2 * MIN_REPETITIONS:
        return Interval(value, None, None, n, about, "no interval: too few repetitions for a bootstrap")
    found = stats().bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES,
        batch=200,
        vectorized=True,
        method="percentile",
        confidence_level=1 - ALPHA,
        rng=np.random.default_rng(0),
    )
    low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    if not low < high:
        return Interval(value, None, None, n, about, "no interval: every resample gives the same value")
    return Interval(value, low, high, n, about, method)

"""Looking again and again: an interval that holds at every moment it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from selftaught.evidence.statistics.values import ALPHA, About, Array, Bounds, Interval, checked, within


def sequence(blocks: Sequence[Sequence[float]], bounds: Bounds, looks: int = 1) -> Interval:
    """The mean of independent bounded values, with an interval that holds at every moment it is looked at.

    A confidence sequence by betting against each possible mean (Waudby-Smith and Ramdas 2023, hedged capital with
    predictable plug-in bets), intersected over time. One block holds a value of every task, independent of each other.
    Within a block the same share of the stake is bet on each of them: their mean being m, the expected product of the
    factors is at most 1, because a product is at most the power of its mean. So a block of k tasks counts almost as k
    values, though the tasks differ. `looks`: how many sequences are watched side by side; together they are wrong in at
    most 5 % of families.
    """
    values = np.array([*checked({f"block {i + 1}": block for i, block in enumerate(blocks)}).values()])
    low, high = bounds
    first, last = _betting(within(values, bounds), ALPHA / looks)
    width = high - low
    method = "confidence sequence by betting" + (f", one of {looks}" if looks > 1 else "")
    about: About = "this improver on these tasks"
    return Interval(float(values.mean()), low + width * first, low + width * last, values.size, about, method)


_GRID = 2000
"""Means tested by a confidence sequence: a resolution of 1/2000 of the range, rounded outwards."""
_CAP = 0.9
"""The largest share of his stake a bettor risks at once. Any share below 1 is valid; a large one decides sooner."""


def _betting(values: Array, alpha: float) -> tuple[float, float]:
    """The ends of the set of means in [0, 1] against which no bettor has ever, after a block, had 1/alpha of his stake."""
    means = np.linspace(0.0, 1.0, _GRID + 1)
    up, down = np.zeros(len(means)), np.zeros(len(means))
    alive = np.ones(len(means), dtype=bool)
    with np.errstate(divide="ignore"):
        up_cap, down_cap = _CAP / means, _CAP / (1.0 - means)
    for block, bet in zip(values, _bets(values.ravel())[:: values.shape[1]], strict=True):
        up += np.log1p(np.minimum(bet, up_cap) * (block[:, None] - means)).sum(axis=0)
        down += np.log1p(-np.minimum(bet, down_cap) * (block[:, None] - means)).sum(axis=0)
        alive &= np.maximum(up, down) < math.log(2.0 / alpha)
    kept = np.flatnonzero(alive)
    if not len(kept):
        kept = np.array([round(float(values.mean()) * _GRID)])
    return float(max(0, kept[0] - 1) / _GRID), float(min(_GRID, kept[-1] + 1) / _GRID)


def _bets(values: Array) -> Array:
    """The stake at each step, from the values before it alone: large where the spread seen so far is small."""
    t = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (t + 1)
    spreads = (0.25 + np.cumsum((values - means) ** 2)) / (t + 1)
    before = np.concatenate(([0.25], spreads[:-1]))
    return np.sqrt(2.0 * math.log(2.0 / ALPHA) / (before * t * np.log(t + 1)))
